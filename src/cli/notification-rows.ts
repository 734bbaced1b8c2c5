import { setTimeout as sleep } from 'node:timers/promises';
import type { Notification } from '../catalog/notification-query.ts';
import { say } from '../text/voice.ts';
import type { Session } from './session.ts';

/** How long a command waits for a message to be taken. Milliseconds. */
const patienceMs = 60_000;
const pollMs = 250;

/** A message as `--json` prints it. */
export function notificationOutput(row: Notification): object {
  const { id, channel, topic, subject, state, attempts, lastError, createdAt, lastAttemptAt, sentAt } = row;
  return {
    ...{ id, channel, topic, subject, state, attempts, lastError },
    createdAt: createdAt.toISOString(),
    lastAttemptAt: lastAttemptAt?.toISOString() ?? null,
    sentAt: sentAt?.toISOString() ?? null,
  };
}

/** The message once it was tried, or as it stands after a minute. */
export async function awaitDelivery(
  session: Session,
  ask: () => Promise<Notification | undefined>,
): Promise<Notification> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const found = await ask();
    if (found === undefined) throw new TypeError('the message is gone');
    if (found.state !== 'waiting' || found.attempts > 0 || performance.now() > until) return found;
    session.signal.throwIfAborted();
    session.output.progress(say('retention', 'worker_at_it'));
    await sleep(pollMs);
  }
}
