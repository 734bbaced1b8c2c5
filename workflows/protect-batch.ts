import { proxyActivities, sleep } from '@temporalio/workflow';
import type { BatchActivities } from '../activities/batch.ts';
import type { Id } from '../src/domain/records.ts';
import type { RetryOptions } from '../src/domain/steps.ts';
import { publish } from './search-attributes.ts';
import { gate } from './steps.ts';

export interface ProtectBatchInput {
  readonly batchId: Id;
  readonly retry: RetryOptions;
}

const { giveUpBatch } = proxyActivities<BatchActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '1s', maximumInterval: '15s' },
});

/** Protects the small files of one batch; what cannot be protected together gets workflows of its own. */
export async function protectBatch({ batchId, retry }: ProtectBatchInput): Promise<void> {
  const regular = proxyActivities<BatchActivities>({
    startToCloseTimeout: '1 day',
    heartbeatTimeout: '30s',
    retry: {
      maximumAttempts: retry.maxRetries + 1,
      initialInterval: retry.retryDelayMs,
      backoffCoefficient: 2,
      maximumInterval: '1 minute',
    },
  });
  try {
    for (;;) {
      const answer = await regular.protectBatch({ batchId });
      if (answer.next === 'batched') return publish(answer);
      if (answer.next === 'busy') await sleep('1s');
      else await gate.awaitDependency(answer.dependency);
    }
  } catch {
    // What went wrong is told of each file by its own workflow.
    await giveUpBatch({ batchId });
  }
}
