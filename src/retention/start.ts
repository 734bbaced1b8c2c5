import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { type RetainRequest, retainSignal } from '../../workflows/messages.ts';
import type { RetainInput, retainSource } from '../../workflows/retain-source.ts';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { Config } from '../config.ts';
import type { Id } from '../domain/records.ts';
import { groupOf } from '../installation.ts';
import { filesQueue, retainWorkflowId } from '../temporal/names.ts';
import { summaryOfRetention } from '../temporal/summaries.ts';

const everyMs = 24 * 60 * 60_000;
const sliceMs = 60_000;

interface RetainedSource {
  readonly id: Id;
  readonly name: string;
}

/** Makes sure that the retention of a source is kept: by one workflow, which goes on for as long as Temporal lives. */
export async function startRetention(client: Client, config: Config, source: RetainedSource): Promise<void> {
  try {
    await client.workflow.start<typeof retainSource>('retainSource', options(config, source));
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Has a run begin now, or when the one that is under way has ended. */
export async function askForRetention(
  client: Client,
  config: Config,
  source: RetainedSource,
  request: RetainRequest,
): Promise<void> {
  await client.workflow.signalWithStart<typeof retainSource, [RetainRequest]>('retainSource', {
    ...options(config, source),
    signal: retainSignal,
    signalArgs: [request],
  });
}

function options(config: Config, { id, name: source }: RetainedSource) {
  const input: RetainInput = { sourceId: id, everyMs, sliceMs };
  const args: [RetainInput] = [input];
  return {
    ...{ workflowId: retainWorkflowId(id), taskQueue: filesQueue(groupOf(config)), args },
    typedSearchAttributes: startAttributes({ source }),
    ...summaryOfRetention({ source }),
  };
}
