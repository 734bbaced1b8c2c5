import { proxyActivities, sleep } from '@temporalio/workflow';
import type { NotifyActivities } from '../activities/notify.ts';
import { firstPauseMs, longestPauseMs } from '../src/domain/notifications.ts';
import type { Id } from '../src/domain/records.ts';
import { controlQueue } from '../src/temporal/names.ts';
import { untilThere } from './steps.ts';

export interface SendNotificationInput {
  readonly notificationId: Id;
}

const { deliverNotification } = proxyActivities<NotifyActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1s', maximumInterval: '1 minute' },
});

/** Sends one message, again after a pause while it cannot be delivered, until it is sent or given up. */
export async function sendNotification({
  notificationId,
}: SendNotificationInput): Promise<'sent' | 'failed'> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const { state } = await untilThere(() => deliverNotification({ notificationId }));
    if (state !== 'waiting') return state;
    await sleep(pauseMs);
  }
}
