import type { Logger } from 'pino';
import { auditEvent } from '../audit/event.ts';
import { actOnIncidentWith } from '../catalog/incident-query.ts';
import { insertEvents } from '../catalog/insert-events.ts';
import { giveUp, type Notification, noteDelivery, notificationById } from '../catalog/notification-query.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import {
  type Delivered,
  fewestTries,
  longestDeliveryMs,
  type NotificationStep,
} from '../domain/notifications.ts';
import type { Id } from '../domain/records.ts';
import { type ComposeDeps, compose } from './compose.ts';
import { send } from './send.ts';
import { Undelivered } from './undelivered.ts';

export interface DeliverDeps extends ComposeDeps {
  readonly ids: Ids;
  readonly hostId: Id;
  readonly log: Logger;
}

/** A ping that comes late would call an old sweep a new one. */
const longestPingMs = 60 * 60_000;

/**
 * Tries once to hand a message over. What the other side took just before a crash is handed over again, under the same id:
 * better twice than never.
 */
export async function deliverNotification(
  deps: DeliverDeps,
  { notificationId }: NotificationStep,
): Promise<Delivered> {
  const { catalog, config, log } = deps;
  const notification = await notificationById(catalog, notificationId);
  if (notification === undefined) throw new Failure('notification_unknown', { notification: notificationId });
  if (notification.state !== 'waiting') return { next: 'delivered', state: notification.state };
  const channel = config.notifications.channels.find(({ name }) => name === notification.channel);
  if (channel === undefined)
    return ended(deps, notification, 'failed', 'the channel is not configured any more');
  const ageMs = Date.now() - notification.createdAt.getTime();
  if (channel.type === 'ping' && ageMs > longestPingMs) {
    await giveUp(catalog, notificationId, 'too late for a ping');
    return { next: 'delivered', state: 'failed' };
  }
  try {
    await send(channel, await compose(deps, notification), config.notifications.proxy);
  } catch (error) {
    if (isFailure(error)) throw error;
    const { reason } = Undelivered.by(error);
    log.warn({ notification: notificationId, channel: channel.name, reason }, 'a message was not taken');
    // Time that passed while everything was off is no time in which anybody tried.
    const isTried = ageMs > longestDeliveryMs && notification.attempts + 1 >= fewestTries;
    // Whoever tests a channel waits for the answer.
    const isOver = notification.topic === 'test' || isTried;
    return ended(deps, notification, isOver ? 'failed' : 'waiting', reason);
  }
  if (notification.topic === 'breach_notice') await noticeSent(deps, notification);
  else await catalog.transaction((rows) => noteDelivery(rows, notification.id, { state: 'sent' }));
  return { next: 'delivered', state: 'sent' };
}

async function ended(
  { catalog }: DeliverDeps,
  { id }: Notification,
  state: 'failed' | 'waiting',
  error: string,
): Promise<Delivered> {
  await catalog.transaction((rows) => noteDelivery(rows, id, { state, error }));
  return { next: 'delivered', state };
}

/** A notice that is sent stops the incident's clock: message, register and audit trail say so together. */
async function noticeSent({ catalog, ids, hostId }: DeliverDeps, notification: Notification): Promise<void> {
  const { id, subject: incidentId, recipient, facts } = notification;
  const actor = String(facts.actor ?? 'holdfast');
  const to = String(facts.to ?? recipient);
  await catalog.transaction(async (rows) => {
    if (!(await noteDelivery(rows, id, { state: 'sent' }))) return;
    const done = await actOnIncidentWith(rows, incidentId, {
      ...{ act: 'notify', by: actor, to, means: 'mail', at: new Date() },
    });
    const event = auditEvent(ids, {
      ...{ subject: incidentId, step: 'incident', among: `notify ${id}`, run: id, host: hostId, actor },
      facts: { action: 'notify', incident: incidentId, to, means: 'mail', notification: id },
    });
    if (done) await insertEvents(rows, [event]);
  });
}
