import type { Catalog } from '../catalog/catalog.ts';
import { addNotifications, type NotificationRow } from '../catalog/notification-query.ts';
import type { Ids } from '../domain/ids.ts';
import type { Topic } from '../domain/notifications.ts';
import type { ChannelName } from './channels.ts';

/** Something to tell, before it is clear whom. */
export interface Told {
  readonly topic: Topic;
  /** Id of the incident, condition or run it is about. */
  readonly subject: string;
  /** Tells several occasions of one topic and subject apart. */
  readonly occasion?: string | number;
  /** Ids, codes and numbers, never a path. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The topics of a dead man's switch; everything else is for people and programs that read messages. */
const heartbeats: ReadonlySet<Topic> = new Set(['sweep_complete', 'sweep_incomplete']);

/** One message for each channel that takes this topic. */
export function messagesOf(ids: Ids, channels: readonly ChannelName[], told: Told): NotificationRow[] {
  const { topic, subject, occasion = '', facts } = told;
  return channels
    .filter((channel) => takes(channel, topic))
    .map(({ name }) => ({
      id: ids.notification(topic, subject, occasion, name),
      channel: name,
      ...{ topic, subject, facts },
    }));
}

function takes(channel: ChannelName, topic: Topic): boolean {
  if (channel.type !== 'ping') return !heartbeats.has(topic);
  return topic === 'sweep_complete' || (topic === 'sweep_incomplete' && channel.failures);
}

/** Has it told, once, by every channel that takes it. */
export async function tell(
  {
    catalog,
    ids,
    channels,
  }: { readonly catalog: Catalog; readonly ids: Ids; readonly channels: readonly ChannelName[] },
  told: Told,
): Promise<void> {
  const messages = messagesOf(ids, channels, told);
  if (messages.length > 0) await catalog.transaction((rows) => addNotifications(rows, messages));
}
