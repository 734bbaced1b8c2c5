import { proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { VerifyActivities } from '../activities/verify.ts';
import type { VerifyAnswer, VerifyStep } from '../src/domain/steps.ts';
import { publish } from './search-attributes.ts';
import { gate } from './steps.ts';

export type VerifySampleInput = Omit<VerifyStep, 'runId'>;

/** Verifies one sample of what is stored; started by a schedule, one at a time. */
export async function verifySample(
  input: VerifySampleInput,
): Promise<Extract<VerifyAnswer, { next: 'verified' }>> {
  const { verifySlice } = proxyActivities<VerifyActivities>({
    startToCloseTimeout: input.sliceMs * 2,
    heartbeatTimeout: '60s',
    retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '5 minutes' },
  });
  // Every try counts as the same run, so that it goes on where the last one stopped.
  const runId = workflowInfo().runId.replaceAll('-', '');
  publish({ run: runId });
  for (;;) {
    const answer = await verifySlice({ ...input, runId });
    if (answer.next === 'verified') return answer;
    if (answer.next === 'busy') await sleep('1s');
    else await gate.awaitDependency(answer.dependency);
  }
}
