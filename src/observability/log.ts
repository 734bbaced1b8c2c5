import pino, { type Logger } from 'pino';
import { Failure } from '../domain/failures.ts';
import { projectRoot } from '../stack/project.ts';
import { logIds } from './log-ids.ts';

/** What a line may be called, the least urgent first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * The process's log: JSON lines on standard output, or, each before the call returns, at the end of `file`. The supervisor keeps,
 * rotates and ships them.
 * Ids and codes only; an error's own message may hold a path and is left out unless the failure table wrote it.
 */
export function createLog(service: string, file?: string): Logger {
  return pino(
    {
      base: { service },
      mixin: logIds,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    pino.destination({ dest: file ?? 1, sync: file !== undefined, mode: 0o600 }),
  );
}

const flushWithinMs = 1_000;

/**
 * What nobody caught ends the process with a line of this log, in place of Node's own account, which may hold a path. What an
 * operator can do about it is said beside, in words that stay on this machine because they are no line of the log.
 */
export function logWhatEndsIt(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'ended by an error');
    if (error instanceof Failure) process.stderr.write(`${error.message}\n  → ${error.hint}\n`);
    const end = (): never => process.exit(1);
    setTimeout(end, flushWithinMs);
    log.flush(end);
  });
}

interface Described {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly at?: readonly string[];
  readonly cause?: Described;
}

/** What may be written of an error. */
export function describeError(error: unknown): Described {
  if (!(error instanceof Error)) return { type: typeof error };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  if (error instanceof Failure) {
    const message = Object.values(error.facts).some(mayNameFile) ? {} : { message: error.message };
    return { type: error.name, code: error.code, ...message, ...cause };
  }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { type: error.name, ...code, at: frames.slice(0, 8).map(placeInCode), ...cause };
}

/** Paths, and what other programs said: their words are as they please. */
const mayNameFile = (fact: string | number): boolean => /[/\n]/.test(String(fact));

/** Where in this program it was; not where the program lies. */
const placeInCode = (frame: string): string => frame.trim().replace(`file://${projectRoot}/`, '');

/** The first line of what was written for an operator's eyes, without what may be a path. */
export const withoutPaths = (text: string): string =>
  (text.split('\n', 1)[0] ?? '').replace(/\S*\/\S*/g, '…');
