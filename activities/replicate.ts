import type { CopyAnswer, CopyStep } from '../src/domain/steps.ts';
import type { PipelineContext } from '../src/pipeline/context.ts';
import { copySlice } from '../src/replicate/slice.ts';
import { postponed } from './edge.ts';
import { beating } from './index.ts';

export function createReplicateActivities(context: PipelineContext) {
  return {
    /** Copies what a destination lacks, as long as the slice lasts. */
    copySlice: (input: CopyStep): Promise<CopyAnswer> =>
      beating((run): Promise<CopyAnswer> => copySlice(context, input, run)).catch((error: unknown) =>
        postponed<CopyAnswer>(error, context.log),
      ),
  };
}

export type ReplicateActivities = ReturnType<typeof createReplicateActivities>;
