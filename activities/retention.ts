import type { Id } from '../src/domain/records.ts';
import type { RetainAnswer, RetainStep } from '../src/domain/steps.ts';
import type { RetentionContext } from '../src/retention/context.ts';
import { recordFailedRun, retainSlice } from '../src/retention/slice.ts';
import { failing, postponed } from './edge.ts';
import { beating } from './index.ts';

export function createRetentionActivities(context: RetentionContext) {
  return {
    /** One slice of a source's retention. */
    retainSlice: (input: RetainStep): Promise<RetainAnswer> =>
      beating((run) => retainSlice(context, input, run)).catch((error: unknown) =>
        postponed<RetainAnswer>(error, context.log),
      ),

    /** Ends a run that cannot go on. */
    recordRetentionFailure: (failed: FailedRetention): Promise<void> =>
      recordFailedRun(context, failed).catch((error: unknown) => failing(error, context.log)),
  };
}

export type RetentionActivities = ReturnType<typeof createRetentionActivities>;

export interface FailedRetention {
  readonly sourceId: Id;
  readonly runId: Id;
  readonly actor: string;
  /** Code of the failure, a row of src/domain/failures.ts. */
  readonly code: string;
}
