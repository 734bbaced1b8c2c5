import { type LogLevel, logLevels } from '../observability/log.ts';

/** One line of our own log, as far as others are told about it. */
export interface OwnLine {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly level: LogLevel;
  readonly text: string;
}

/**
 * A line of the log of `service`, if that is what it is. What else may stand in the file (a runtime's dying words) was not
 * written by rules, may hold anything and stays on this machine: undefined.
 */
export function ownLine(text: string, service: string): OwnLine | undefined {
  const line = parsed(text);
  if (line === undefined || line.service !== service) return undefined;
  const atMs = typeof line.time === 'string' ? Date.parse(line.time) : Number.NaN;
  const level = logLevels.find((known) => known === line.level);
  return Number.isNaN(atMs) || level === undefined ? undefined : { atMs, level, text };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Priorities of syslog(3). */
const priorities: Readonly<Record<LogLevel, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};

/** As journald takes it (sd-daemon(3)): its urgency in front; the time is left out, because the journal has its own. */
export function journalLine({ level, text }: OwnLine): string {
  const { time: _, ...line } = JSON.parse(text) as Record<string, unknown>;
  return `<${priorities[level]}>${JSON.stringify(line)}`;
}
