import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { NotifyActivities } from '../activities/notify.ts';
import { controlQueue } from '../src/temporal/names.ts';
import { untilThere } from './steps.ts';

const { writeDigest } = proxyActivities<NotifyActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1s', maximumInterval: '1 minute', maximumAttempts: 20 },
});

/** What a schedule starts: people are told what happened since the last digest. */
export async function digest(): Promise<void> {
  const { firstExecutionRunId } = workflowInfo();
  await untilThere(() => writeDigest({ runId: firstExecutionRunId, nowMs: Date.now() }));
}
