import pino, { type Logger } from 'pino';
import { Failure } from '../domain/failures.ts';

/**
 * The process's log: JSON lines on standard output, which the supervisor keeps and rotates. Ids and codes only; an
 * error's own message may hold a path and is left out unless the failure table wrote it.
 */
export function createLog(service: string): Logger {
  return pino(
    {
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    pino.destination({ dest: 1, sync: false }),
  );
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
  if (error instanceof Failure)
    return { type: error.name, code: error.code, message: error.message, ...cause };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { type: error.name, ...code, at: frames.slice(0, 8).map((line) => line.trim()), ...cause };
}
