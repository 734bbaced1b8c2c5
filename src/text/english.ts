import { argumentNames as argumentsEn } from './en/arguments.ts';
import { audit as auditEn } from './en/audit.ts';
import { checks as checksEn } from './en/checks.ts';
import { compliance as complianceEn } from './en/compliance.ts';
import { copies as copiesEn } from './en/copies.ts';
import { details as detailsEn } from './en/details.ts';
import { doctor as doctorEn } from './en/doctor.ts';
import { failures as failuresEn } from './en/failures.ts';
import { files as filesEn } from './en/files.ts';
import { help as helpEn } from './en/help.ts';
import { holds as holdsEn } from './en/holds.ts';
import { hosts as hostsEn } from './en/hosts.ts';
import { incidents as incidentsEn } from './en/incidents.ts';
import { keys as keysEn } from './en/keys.ts';
import { kit as kitEn } from './en/kit.ts';
import { limits as limitsEn } from './en/limits.ts';
import { look as lookEn } from './en/look.ts';
import { messages as messagesEn } from './en/messages.ts';
import { names as namesEn } from './en/names.ts';
import { notices as noticesEn } from './en/notices.ts';
import { notify as notifyEn } from './en/notify.ts';
import { output as outputEn } from './en/output.ts';
import { policy as policyEn } from './en/policy.ts';
import { quarantine as quarantineEn } from './en/quarantine.ts';
import { reasons as reasonsEn } from './en/reasons.ts';
import { reports as reportsEn } from './en/reports.ts';
import { restore as restoreEn } from './en/restore.ts';
import { retention as retentionEn } from './en/retention.ts';
import { schedules as schedulesEn } from './en/schedules.ts';
import { setup as setupEn } from './en/setup.ts';
import { status as statusEn } from './en/status.ts';
import { tour as tourEn } from './en/tour.ts';
import { verify as verifyEn } from './en/verify.ts';
import { warnings as warningsEn } from './en/warnings.ts';
import { web as webEn } from './en/web.ts';
import { words as wordsEn } from './en/words.ts';
import type { Messages } from './message.ts';

/** The originals, by theme and key. */
export const english = {
  arguments: argumentsEn,
  audit: auditEn,
  checks: checksEn,
  compliance: complianceEn,
  copies: copiesEn,
  details: detailsEn,
  doctor: doctorEn,
  failures: failuresEn,
  files: filesEn,
  help: helpEn,
  holds: holdsEn,
  hosts: hostsEn,
  incidents: incidentsEn,
  keys: keysEn,
  kit: kitEn,
  limits: limitsEn,
  look: lookEn,
  messages: messagesEn,
  names: namesEn,
  notices: noticesEn,
  notify: notifyEn,
  output: outputEn,
  policy: policyEn,
  quarantine: quarantineEn,
  reasons: reasonsEn,
  reports: reportsEn,
  restore: restoreEn,
  retention: retentionEn,
  schedules: schedulesEn,
  setup: setupEn,
  status: statusEn,
  tour: tourEn,
  verify: verifyEn,
  warnings: warningsEn,
  web: webEn,
  words: wordsEn,
} satisfies Record<string, Messages>;
