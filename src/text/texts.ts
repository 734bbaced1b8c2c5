import { english } from './english.ts';
import { argumentNames as argumentsFr } from './fr/arguments.ts';
import { audit as auditFr } from './fr/audit.ts';
import { checks as checksFr } from './fr/checks.ts';
import { compliance as complianceFr } from './fr/compliance.ts';
import { copies as copiesFr } from './fr/copies.ts';
import { details as detailsFr } from './fr/details.ts';
import { doctor as doctorFr } from './fr/doctor.ts';
import { failures as failuresFr } from './fr/failures.ts';
import { files as filesFr } from './fr/files.ts';
import { help as helpFr } from './fr/help.ts';
import { holds as holdsFr } from './fr/holds.ts';
import { hosts as hostsFr } from './fr/hosts.ts';
import { incidents as incidentsFr } from './fr/incidents.ts';
import { keys as keysFr } from './fr/keys.ts';
import { kit as kitFr } from './fr/kit.ts';
import { limits as limitsFr } from './fr/limits.ts';
import { look as lookFr } from './fr/look.ts';
import { messages as messagesFr } from './fr/messages.ts';
import { names as namesFr } from './fr/names.ts';
import { notices as noticesFr } from './fr/notices.ts';
import { notify as notifyFr } from './fr/notify.ts';
import { output as outputFr } from './fr/output.ts';
import { policy as policyFr } from './fr/policy.ts';
import { quarantine as quarantineFr } from './fr/quarantine.ts';
import { reasons as reasonsFr } from './fr/reasons.ts';
import { reports as reportsFr } from './fr/reports.ts';
import { restore as restoreFr } from './fr/restore.ts';
import { retention as retentionFr } from './fr/retention.ts';
import { schedules as schedulesFr } from './fr/schedules.ts';
import { setup as setupFr } from './fr/setup.ts';
import { status as statusFr } from './fr/status.ts';
import { tour as tourFr } from './fr/tour.ts';
import { verify as verifyFr } from './fr/verify.ts';
import { warnings as warningsFr } from './fr/warnings.ts';
import { web as webFr } from './fr/web.ts';
import { words as wordsFr } from './fr/words.ts';
import type { Language } from './language.ts';
import { type FactsOf, filled, type Message } from './message.ts';

type Themes = typeof english;
type Theme = keyof Themes & string;

/** Every message there is: by language, theme and key. */
export const allTexts: Readonly<
  Record<Language, { readonly [T in Theme]: Readonly<Record<keyof Themes[T], Message>> }>
> = {
  en: english,
  fr: {
    arguments: argumentsFr,
    audit: auditFr,
    checks: checksFr,
    compliance: complianceFr,
    copies: copiesFr,
    details: detailsFr,
    doctor: doctorFr,
    failures: failuresFr,
    files: filesFr,
    help: helpFr,
    holds: holdsFr,
    hosts: hostsFr,
    incidents: incidentsFr,
    keys: keysFr,
    kit: kitFr,
    limits: limitsFr,
    look: lookFr,
    messages: messagesFr,
    names: namesFr,
    notices: noticesFr,
    notify: notifyFr,
    output: outputFr,
    policy: policyFr,
    quarantine: quarantineFr,
    reasons: reasonsFr,
    reports: reportsFr,
    restore: restoreFr,
    retention: retentionFr,
    schedules: schedulesFr,
    setup: setupFr,
    status: statusFr,
    tour: tourFr,
    verify: verifyFr,
    warnings: warningsFr,
    web: webFr,
    words: wordsFr,
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
