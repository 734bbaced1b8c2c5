import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { SweepInput, sweepSource } from '../../workflows/sweep-source.ts';
import type { Config } from '../config.ts';
import type { Id } from '../domain/records.ts';
import { groupOf } from '../installation.ts';
import { filesQueue, sweepWorkflowId } from '../temporal/names.ts';
import { sweepInput } from './schedule.ts';

/** Starts a sweep of the source; false when one is under way, which may have passed by what is to be found. */
export async function startSweep(
  client: Client,
  config: Config,
  sourceId: Id,
  asked: Pick<SweepInput, 'actor' | 'confirmsDeletions' | 'runId'>,
): Promise<boolean> {
  try {
    await client.workflow.start<typeof sweepSource>('sweepSource', {
      workflowId: sweepWorkflowId(sourceId),
      taskQueue: filesQueue(groupOf(config)),
      args: [sweepInput(config, sourceId, asked)],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
