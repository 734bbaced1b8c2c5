import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  isGrpcServiceError,
  type WithStartWorkflowOperation as Operation,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure } from '@temporalio/common';
import { startAttributes } from '../../workflows/search-attributes.ts';
import type { stagingHold } from '../../workflows/staging-hold.ts';
import type { HoldAnswer } from '../domain/holds.ts';
import type { Id } from '../domain/records.ts';
import { holdWorkflowId, hostQueue } from '../temporal/names.ts';
import { translateOutage } from '../temporal/outage.ts';
import { summaryOfHold } from '../temporal/summaries.ts';
import type { HeldFile } from './held.ts';

/** How long a hold's workflow is waited for before it is left to go on by itself. Milliseconds. */
const patienceMs = 60_000;

/**
 * What a hold's workflow said. `under_way`: it has the request and goes on by itself; `not_delivered`: nobody took it, so it
 * counts as never made; `too_late`: the workflow had just ended.
 */
export type Told =
  | HoldAnswer
  | { readonly next: 'under_way' }
  | { readonly next: 'not_delivered' }
  | { readonly next: 'too_late' };

/** How requests reach the workflows of holds. */
export interface HoldPost {
  readonly client: Client;
  /** Where the workflows of a source run: files.<group>. */
  readonly queueOf: (source: string) => string;
}

/**
 * Brings a request to a hold's workflow and waits for its answer. Where a hold has no workflow, because its cluster was
 * lost, it gets one.
 *
 * @param id of the request: brought twice it counts once
 * @throws Failure `temporal_unavailable`
 */
export async function askHold<Args extends [unknown]>(
  { client, queueOf }: HoldPost,
  held: HeldFile,
  update: UpdateDefinition<HoldAnswer, Args>,
  args: Args,
  id: Id,
): Promise<Told> {
  const known = { source: held.source, run: held.runId };
  const startWorkflowOperation: Operation<typeof stagingHold> = new WithStartWorkflowOperation(
    'stagingHold',
    {
      workflowId: holdWorkflowId(held.id),
      taskQueue: queueOf(held.source),
      args: [{ holdId: held.id, hostQueue: hostQueue(held.hostId) }],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfHold(known, held.id),
      workflowIdConflictPolicy: 'USE_EXISTING',
    },
  );
  const brought = client.workflow.startUpdateWithStart(update, {
    ...{ startWorkflowOperation, args, updateId: id },
    waitForStage: 'ACCEPTED',
  });
  try {
    const handle = await within(patienceMs, brought);
    if (handle === undefined) return { next: 'not_delivered' };
    return (await within(patienceMs, handle.result())) ?? { next: 'under_way' };
  } catch (error) {
    return toldBy(error);
  }
}

/** status code of gRPC FAILED_PRECONDITION: a worker cannot run the workflow. */
const notTaken = 9;

function toldBy(error: unknown): Told {
  if (error instanceof WorkflowUpdateFailedError) {
    const code = error.cause instanceof ApplicationFailure ? (error.cause.type ?? 'internal') : 'internal';
    return code === 'hold_ended' ? { next: 'too_late' } : { next: 'held', reason: code };
  }
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  if (isGrpcServiceError(cause) && cause.code === notTaken) return { next: 'not_delivered' };
  return translateOutage(error);
}

/** Undefined where it takes longer; what becomes of it then is nobody's business here. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  promise.catch(() => {});
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: stop.signal, ref: false })]);
  } finally {
    stop.abort();
  }
}
