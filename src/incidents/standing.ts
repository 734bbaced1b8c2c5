import type { IncidentTotals } from '../catalog/incident-query.ts';
import type { Config } from '../config.ts';
import type { Language } from '../text/language.ts';
import { textsIn } from '../text/texts.ts';
import { timeIn } from '../text/time.ts';

/** What somebody has to know of the breach register; nothing where nobody waits to be notified. */
export function incidentWarnings(
  { toNotify, oldestDetectedAt, overdue, unwatched }: IncidentTotals,
  { breaches, timezone }: Pick<Config, 'breaches' | 'timezone'>,
  language: Language,
): string[] {
  const say = textsIn(language);
  const deadline =
    oldestDetectedAt === null
      ? ''
      : timeIn(timezone, new Date(oldestDetectedAt.getTime() + breaches.notifyWithin));
  return [
    ...(overdue > 0 ? [say('incidents', 'warning_overdue', { count: overdue, deadline })] : []),
    ...(overdue === 0 && toNotify > 0
      ? [say('incidents', 'warning_open', { count: toNotify, deadline })]
      : []),
    ...(unwatched > 0 ? [say('incidents', 'warning_unwatched', { count: unwatched })] : []),
  ];
}
