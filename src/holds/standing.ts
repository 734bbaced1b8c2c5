import { say } from '../text/voice.ts';
import type { HoldTotals } from './held.ts';

const days = (seconds: number): number => Math.floor(seconds / 86_400);

/** What somebody has to know about what waits for decisions; nothing where all is well. */
export function holdWarnings({ impaired, turnedAway }: HoldTotals): string[] {
  return [
    ...(turnedAway === 0 ? [] : [say('warnings', 'holds_no_room', { count: turnedAway })]),
    ...(impaired === 0 ? [] : [say('warnings', 'holds_impaired', { count: impaired })]),
  ];
}

/** How much waits, in one sentence; undefined where nothing does. */
export function holdSentence({ open, oldestSeconds }: HoldTotals): string | undefined {
  if (open === 0) return undefined;
  const since = days(oldestSeconds);
  const age = since === 0 ? say('warnings', 'less_than_day') : say('warnings', 'days', { days: since });
  return say('warnings', 'holds_wait', { count: open, age });
}
