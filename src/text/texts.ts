import { compliance as complianceEn } from './en/compliance.ts';
import { incidents as incidentsEn } from './en/incidents.ts';
import { messages as messagesEn } from './en/messages.ts';
import { notices as noticesEn } from './en/notices.ts';
import { notify as notifyEn } from './en/notify.ts';
import { compliance as complianceFr } from './fr/compliance.ts';
import { incidents as incidentsFr } from './fr/incidents.ts';
import { messages as messagesFr } from './fr/messages.ts';
import { notices as noticesFr } from './fr/notices.ts';
import { notify as notifyFr } from './fr/notify.ts';
import type { Language } from './language.ts';
import { type FactsOf, filled, type Message, type Messages } from './message.ts';

const english = {
  compliance: complianceEn,
  incidents: incidentsEn,
  messages: messagesEn,
  notices: noticesEn,
  notify: notifyEn,
} satisfies Record<string, Messages>;

type Themes = typeof english;
type Theme = keyof Themes & string;

/** Every message there is: by language, theme and key. */
export const allTexts: Readonly<
  Record<Language, { readonly [T in Theme]: Readonly<Record<keyof Themes[T], Message>> }>
> = {
  en: english,
  fr: {
    compliance: complianceFr,
    incidents: incidentsFr,
    messages: messagesFr,
    notices: noticesFr,
    notify: notifyFr,
  },
};

/** Which message: its theme, then its key. Facts are asked for where it has placeholders. */
type Say = <T extends Theme, K extends keyof Themes[T] & string>(
  theme: T,
  key: K,
  ...facts: Themes[T][K] extends Message
    ? keyof FactsOf<Themes[T][K]> extends never
      ? []
      : [FactsOf<Themes[T][K]>]
    : never
) => string;

/** The voice of a language. */
export function textsIn(language: Language): Say {
  const texts = allTexts[language] as Record<string, Record<string, Message>>;
  return (theme, key, ...[facts]) => filled(texts[theme]?.[key] ?? '', facts ?? {}, language);
}

export type Texts = ReturnType<typeof textsIn>;
