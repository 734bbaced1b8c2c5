import { Failure } from '../domain/failures.ts';
import { say } from '../text/voice.ts';

/** What commands that take a TIME add to their help. */
export const momentHelp = (): string => `
${say('help', 'momentHelp')}`;

const absolute =
  /^(?<date>[12]\d{3}-\d\d-\d\d)(?:[Tt ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?)? ?(?<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;
const ago = /^(?<count>\d{1,6})(?<unit>[smhdw])(?: ago)?$/;
const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const farthestAheadMs = 2 * 86_400_000;

/** {@link parseMoment} by this machine's clock, for an option's or argument's value. */
export const moment = (text: string): Date => parseMoment(text, new Date());

/** As {@link moment} where a time begins: a day, minute or second stands for its beginning. */
export const firstMoment = (text: string): Date => parseMoment(text, new Date(), 'beginning');

/**
 * The moment a TIME of the command line names, to the millisecond: a day, minute or second stands for its end, so that what
 * happened within it counts, also when the time was copied from a list that shows no fractions. Where the clock was put
 * back, an hour without a zone is the first of the two.
 *
 * @param edge what a day, minute or second stands for
 *
 * Failure `usage` says what is accepted.
 */
export function parseMoment(text: string, now: Date, edge: 'beginning' | 'end' = 'end'): Date {
  const trimmed = text.trim();
  if (trimmed === 'now') return now;
  const relative = ago.exec(trimmed)?.groups;
  if (relative !== undefined) {
    return new Date(now.getTime() - Number(relative.count) * (unitMs[relative.unit ?? ''] ?? Number.NaN));
  }
  const parts = absolute.exec(trimmed)?.groups;
  const found = parts === undefined ? undefined : fromParts(parts, edge);
  if (found === undefined)
    throw new Failure('usage', { detail: say('output', 'no_time', { given: text, help: momentHelp() }) });
  // Today's end lies ahead, and in another zone's today.
  if (found.getTime() > now.getTime() + farthestAheadMs) {
    throw new Failure('usage', { detail: say('output', 'in_future', { given: text, help: momentHelp() }) });
  }
  return found;
}

/** Undefined where there is no such day or hour. */
function fromParts(parts: Record<string, string | undefined>, edge: 'beginning' | 'end'): Date | undefined {
  const [lastHour, lastOfSixty, lastFraction] = edge === 'end' ? [23, 59, '999'] : [0, 0, '000'];
  const { date = '', zone } = parts;
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  if (new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10) !== date) return undefined;
  const hour = Number(parts.hour ?? lastHour);
  const minute = Number(parts.minute ?? lastOfSixty);
  const second = Number(parts.second ?? lastOfSixty);
  const millisecond = Number((parts.fraction ?? lastFraction).padEnd(3, '0').slice(0, 3));
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute, second, millisecond);
  const offset = offsetMs(zone);
  if (offset === undefined) return undefined;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, millisecond) - offset);
}

function offsetMs(zone: string): number | undefined {
  if (zone.toUpperCase() === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
