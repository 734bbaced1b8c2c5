import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from '../stack/secrets.ts';
import { say } from '../text/voice.ts';
import type { LogPosition } from './read-log.ts';

/** How far the log is in Loki; a file, because commands read it too. */
export interface ShippingStanding {
  /** Up to where Loki has the log of each of our processes. */
  readonly sent: Readonly<Record<string, LogPosition>>;
  /** Set while Loki takes nothing: since when (UTC), and the code of what came of the last try. */
  readonly waiting?: { readonly since: string; readonly why: string };
  /** Lines that Loki did not want, or did not take before they were given up; and when that was last (UTC). */
  readonly lost?: { readonly lines: number; readonly lastAt: string };
}

export const standingFile = (home: string): string => join(home, 'logs', 'loki.json');

/** Undefined where nothing was shipped yet, or the account cannot be read: it is begun anew. */
export function readStanding(file: string): ShippingStanding | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ShippingStanding;
  } catch {
    return undefined;
  }
}

export function writeStanding(file: string, standing: ShippingStanding): void {
  writePrivate(file, JSON.stringify(standing));
}

/** What was lost is told for so long. */
const tellLostMs = 7 * 86_400_000;

/** What an operator should know of it. `time` writes a moment for people. */
export function shippingWarnings(
  { waiting, lost }: ShippingStanding,
  time: (at: Date) => string,
  now = Date.now(),
): string[] {
  const warnings: string[] = [];
  if (waiting !== undefined)
    warnings.push(say('warnings', 'loki_waits', { since: time(new Date(waiting.since)), why: waiting.why }));
  if (lost !== undefined && now - Date.parse(lost.lastAt) < tellLostMs)
    warnings.push(say('warnings', 'loki_lost', { lines: lost.lines, at: time(new Date(lost.lastAt)) }));
  return warnings;
}
