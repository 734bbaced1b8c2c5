import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { SweepInput, sweepSource } from '../../workflows/sweep-source.ts';
import type { Config } from '../config.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { groupOf } from '../installation.ts';
import { filesQueue, sweepWorkflowId } from '../temporal/names.ts';
import { summaryOfSweep } from '../temporal/summaries.ts';
import { sweepInput } from './schedule.ts';

/** Starts a sweep of the source; false when one is under way, which may have passed by what is to be found. */
export async function startSweep(
  client: Client,
  config: Config,
  source: { readonly id: Id; readonly name: string },
  asked: Pick<SweepInput, 'actor' | 'confirmsDeletions' | 'runId'>,
): Promise<boolean> {
  const runId = asked.runId ?? newRunId();
  const known = { source: source.name, run: runId };
  try {
    await client.workflow.start<typeof sweepSource>('sweepSource', {
      workflowId: sweepWorkflowId(source.id),
      taskQueue: filesQueue(groupOf(config, source.name)),
      args: [sweepInput(config, source.id, { ...asked, runId })],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfSweep(known, client.options.namespace),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
