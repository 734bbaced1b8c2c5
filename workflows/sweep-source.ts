import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, WorkflowIdReusePolicy, workflowInfo } from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';
import type { RetryOptions } from '../src/domain/steps.ts';
import { createSteps, failureCode } from './steps.ts';

export interface SweepInput {
  readonly sourceId: Id;
  /** Undefined: a new one. */
  readonly runId?: Id;
  readonly actor: string;
  /** Whatever is gone was meant to go. */
  readonly confirmsDeletions: boolean;
  readonly retry: RetryOptions;
}

/** Looks at every entry of a source and has protected what changed: the watcher is a hint, this is the truth. */
export async function sweepSource(input: SweepInput): Promise<string> {
  const runId = input.runId ?? workflowInfo().firstExecutionRunId.replaceAll('-', '');
  const { sourceId, actor, confirmsDeletions } = input;
  const { run } = createSteps(input.retry);
  for (;;) {
    try {
      const swept = await run('sweepSource', { sourceId, runId, actor, confirmsDeletions }, true);
      return swept.result;
    } catch (error) {
      // Workers that died say nothing about the source, however many: the next one goes on where they were.
      if (failureCode(error) !== 'timeout') throw error;
    }
  }
}

/** What a schedule starts: the one sweep of the source, unless it is under way. */
export async function sweepOnSchedule(input: SweepInput): Promise<string> {
  try {
    return await executeChild(sweepSource, {
      args: [input],
      workflowId: `sweep:${input.sourceId}`,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'under way already';
    throw error;
  }
}
