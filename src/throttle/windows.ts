/** Days of the week as the configuration names them; `mon` to `sun`, in the order of a week. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** A rate that holds at certain hours. */
export interface RateWindow {
  /** Bytes a second. */
  readonly rate: number;
  /** Minutes since midnight. A window whose end is not later than its beginning reaches into the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name; undefined: this machine's. */
  readonly timezone?: string | undefined;
  /** Days on which it begins. */
  readonly days: readonly Weekday[];
}

/** The first window that holds at the moment; undefined outside all of them. */
export function windowAt(windows: readonly RateWindow[], now: Date): RateWindow | undefined {
  return windows.find((window) => holds(window, now));
}

function holds({ fromMinute, toMinute, timezone, days }: RateWindow, now: Date): boolean {
  const { day, minute } = localTime(now, timezone);
  const yesterday = weekdays[(weekdays.indexOf(day) + 6) % 7] as Weekday;
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  return (days.includes(day) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute);
}

const formats = new Map<string | undefined, Intl.DateTimeFormat>();

function localTime(now: Date, timeZone: string | undefined): { day: Weekday; minute: number } {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      ...{ weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
      ...(timeZone === undefined ? {} : { timeZone }),
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const day = (parts.weekday ?? '').toLowerCase() as Weekday;
  return { day, minute: Number(parts.hour) * 60 + Number(parts.minute) };
}

/** `08:00` as minutes since midnight, `24:00` included; undefined where it is no time of day. */
export function parseMinute(text: string): number | undefined {
  const [, hour, minute] = /^(\d{1,2}):(\d\d)$/.exec(text) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && minutes <= 24 * 60 ? minutes : undefined;
}

/** `mon-fri`, `sat,sun` or `fri-mon` as days; undefined where it is not so. */
export function parseDays(text: string): Weekday[] | undefined {
  const found = new Set<Weekday>();
  for (const part of text.split(',')) {
    const [first, last = first, ...more] = part.trim().split('-');
    const [from, to] = [first, last].map((name) => weekdays.indexOf(name as Weekday)) as [number, number];
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    for (let at = from; ; at = (at + 1) % 7) {
      found.add(weekdays[at] as Weekday);
      if (at === to) break;
    }
  }
  return weekdays.filter((day) => found.has(day));
}
