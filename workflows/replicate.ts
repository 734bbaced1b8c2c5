import { continueAsNew, proxyActivities, sleep } from '@temporalio/workflow';
import type { ReplicateActivities } from '../activities/replicate.ts';
import { summaryOfFilling } from '../src/temporal/summaries.ts';
import { goOnTelling } from './search-attributes.ts';
import { gate } from './steps.ts';

export interface FillDestinationInput {
  readonly destination: string;
  /** How long one slice lasts. Milliseconds. */
  readonly sliceMs: number;
}

/** Slices of one run, so that its history stays short. */
const mostSlices = 50;
/**
 * Fills a destination with copies of what lies in the others, until nothing is left that can be copied now. One at a time
 * per destination; it is started again whenever something is due.
 */
export async function fillDestination(input: FillDestinationInput): Promise<void> {
  goOnTelling(() => summaryOfFilling(input.destination));
  const { copySlice } = proxyActivities<ReplicateActivities>({
    startToCloseTimeout: '7 days',
    heartbeatTimeout: '60s',
    retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '5 minutes' },
  });
  for (let slice = 0; slice < mostSlices; slice++) {
    const answer = await copySlice(input);
    if (answer.next === 'busy') await sleep('1s');
    else if (answer.next === 'unavailable') {
      await gate.awaitDependency(answer.dependency);
      // It may answer and still take nothing, like a disk that is full.
      await sleep('5s');
    } else if (answer.isDone) return;
  }
  await continueAsNew<typeof fillDestination>(input);
}
