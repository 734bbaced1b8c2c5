import { continueAsNew, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Id } from '../src/domain/records.ts';
import { stateQuery } from './messages.ts';

export interface StagingHoldInput {
  readonly holdId: Id;
  /** Queue of the host that keeps the staged bytes. */
  readonly hostQueue: string;
}

/**
 * Keeps a held file waiting for its approval: open as long as the hold is, looking once a day whether the staged bytes
 * are still what was sealed.
 */
export async function stagingHold(input: StagingHoldInput): Promise<string> {
  const { inspectHold } = proxyActivities<Activities>({
    taskQueue: input.hostQueue,
    startToCloseTimeout: '10 minutes',
    retry: { initialInterval: '1s', maximumInterval: '5 minutes' },
  });
  let state = 'open';
  setHandler(stateQuery, () => state);
  for (let days = 0; days < 30; days++) {
    state = await inspectHold({ holdId: input.holdId });
    if (state !== 'open' && state !== 'damaged') return state;
    await sleep('1 day');
  }
  return continueAsNew<typeof stagingHold>(input);
}
