import { type Language, languageOf } from '../text/language.ts';

/** Language and IANA zone of whoever sets an installation up: what is sent to people begins with them. */
export function ownVoice(
  env: NodeJS.ProcessEnv,
  zone = new Intl.DateTimeFormat().resolvedOptions().timeZone,
): { readonly language: Language; readonly timezone: string } {
  const isKnown = Intl.supportedValuesOf('timeZone').includes(zone);
  return { language: languageOf(env), timezone: isKnown ? zone : 'UTC' };
}
