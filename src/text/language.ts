/** Languages that everything an operator reads exists in. */
export const languages = ['en', 'fr'] as const;
export type Language = (typeof languages)[number];

/**
 * The language of a POSIX locale environment: LC_ALL before LC_MESSAGES before LANG, the first that is set and not empty,
 * e.g. `fr_CM.UTF-8`. English for every language that is not there, `C` and `POSIX` included.
 */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  const [language] = locale.toLowerCase().split(/[_.@-]/);
  return languages.find((known) => known === language) ?? 'en';
}
