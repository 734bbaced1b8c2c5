import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  executeChild,
  uuid4,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';
import type { RetryOptions } from '../src/domain/steps.ts';
import { summaryOfSweep } from '../src/temporal/summaries.ts';
import { publish, searchAttributes, startAttributes } from './search-attributes.ts';
import { createSteps, failSweep, failureCode } from './steps.ts';

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
  const step = { sourceId, runId, actor, confirmsDeletions };
  const { run } = createSteps(input.retry);
  for (;;) {
    try {
      const swept = await run('sweepSource', step, true);
      publish({ ...swept, run: runId });
      return swept.result;
    } catch (error) {
      // Workers that died say nothing about the source, however many: the next one goes on where they were.
      const code = failureCode(error);
      if (code === 'timeout') continue;
      publish({ run: runId, outcome: 'failed', reason: code });
      await CancellationScope.nonCancellable(() => failSweep({ ...step, code }));
      throw error;
    }
  }
}

/** What a schedule starts: the one sweep of the source, unless it is under way. */
export async function sweepOnSchedule(input: SweepInput): Promise<string> {
  const run = input.runId ?? uuid4().replaceAll('-', '');
  const source = workflowInfo().typedSearchAttributes.get(searchAttributes.source);
  try {
    return await executeChild(sweepSource, {
      args: [{ ...input, runId: run }],
      workflowId: `sweep:${input.sourceId}`,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: startAttributes({ source, run }),
      ...summaryOfSweep({ source, run }, workflowInfo().namespace),
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'under way already';
    throw error;
  }
}
