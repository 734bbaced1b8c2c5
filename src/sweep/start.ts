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
  source: { readonly id: Id; readonly name: string },
  asked: Pick<SweepInput, 'actor' | 'confirmsDeletions' | 'runId'>,
): Promise<boolean> {
  try {
    await client.workflow.start<typeof sweepSource>('sweepSource', {
      workflowId: sweepWorkflowId(source.id),
      taskQueue: filesQueue(groupOf(config, source.name)),
      args: [sweepInput(config, source.id, asked)],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
