import { ApplicationFailure } from '@temporalio/activity';
import type { Logger } from 'pino';
import { Failure, type FailureCode } from '../src/domain/failures.ts';
import type { Dependency, Postponed } from '../src/domain/steps.ts';
import { Busy } from '../src/pipeline/semaphore.ts';

/** Failures that say nothing about the file: something it needs is away. */
const missing: Partial<Record<FailureCode, Dependency>> = {
  catalog_unavailable: 'postgres',
  policy_unavailable: 'opa',
  scanner_unavailable: 'clamd',
};

function dependencyOf(error: unknown): Dependency | undefined {
  if (!(error instanceof Failure)) return undefined;
  if (error.code === 'source_unavailable') return `source:${error.facts.source}`;
  // Names are separated by commas where whichever answers first will do.
  if (error.code === 's3_unavailable') return `s3:${error.facts.destination ?? ''}`;
  return missing[error.code];
}

/** Turns "not now" into an answer; everything else is thrown across the edge by {@link failing}. */
export function postponed<Answer>(error: unknown, log: Logger): Answer {
  if (error instanceof Busy) return { next: 'busy' } satisfies Postponed as Answer;
  const dependency = dependencyOf(error);
  if (dependency === undefined) return failing(error, log);
  log.warn({ dependency, err: error }, 'waiting for a dependency');
  return { next: 'unavailable', dependency } satisfies Postponed as Answer;
}

/** Throws the error as Temporal may see it: its code, whether it can be retried, and nothing that holds a path. */
export function failing(error: unknown, log: Logger): never {
  log.error({ err: error }, 'a step failed');
  const code = error instanceof Failure ? error.code : 'internal';
  throw ApplicationFailure.create({
    message: code,
    type: code,
    nonRetryable: error instanceof Failure && !error.retryable,
  });
}
