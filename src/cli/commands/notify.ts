import { addNotifications, listedNotifications, notificationById } from '../../catalog/notification-query.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import { textsIn } from '../../text/texts.ts';
import { detail } from '../../text/voice.ts';
import { languageIn } from '../incident-rows.ts';
import { awaitDelivery, notificationOutput } from '../notification-rows.ts';
import { localTime, table } from '../output.ts';
import { type Session, unlock, withCatalog } from '../session.ts';

/** Has a test message sent by each channel, or by one. Failures: `no_channels`, `channel_unknown`, `notify_test_failed`. */
export async function runNotifyTest(session: Session, channel: string | undefined): Promise<void> {
  const { output } = session;
  const { config, ids } = await unlock(session);
  const say = textsIn(languageIn(session));
  const { channels } = config.notifications;
  const names = channels.map(({ name }) => name);
  const chosen = channel === undefined ? names : names.filter((name) => name === channel);
  if (names.length === 0) throw new Failure('no_channels');
  if (channel !== undefined && chosen.length === 0)
    throw new Failure('channel_unknown', { channel, names: names.join(', ') });
  await withCatalog(session, async (catalog) => {
    const run = newRunId();
    const messages = chosen.map((name) => ({
      id: ids.notification('test', run, '', name),
      ...{ channel: name, topic: 'test' as const, subject: run, facts: {} },
    }));
    await catalog.transaction((rows) => addNotifications(rows, messages));
    let failed = 0;
    for (const { id, channel: name } of messages) {
      const row = await awaitDelivery(session, () => notificationById(catalog, id));
      const seconds = ((row.sentAt ?? new Date()).getTime() - row.createdAt.getTime()) / 1_000;
      if (row.state !== 'sent') failed++;
      output.value(notificationOutput(row));
      output.line(
        row.state === 'sent'
          ? say('notify', 'test_sent', { channel: name, seconds: Number(seconds.toFixed(1)) })
          : say('notify', 'test_failed', {
              channel: name,
              error: detail(row.lastError ?? say('notify', 'no_answer')),
            }),
      );
    }
    if (failed > 0) throw new Failure('notify_test_failed', { count: failed, of: messages.length });
  });
}

/** Lists messages, the newest first. */
export async function runNotifyList(
  session: Session,
  { state, limit }: { readonly state?: string; readonly limit: number },
): Promise<void> {
  const { output } = session;
  const say = textsIn(languageIn(session));
  await withCatalog(session, async (catalog) => {
    const rows = await listedNotifications(catalog, { ...(state === undefined ? {} : { state }), limit });
    for (const row of rows) output.value(notificationOutput(row));
    if (rows.length === 0) output.line(say('notify', 'none'));
    else
      output.line(
        table(
          rows.map(({ createdAt, channel, topic, state: its, attempts, lastError }) => [
            localTime(createdAt),
            channel,
            say('notify', `topic_${topic}`),
            say('notify', `state_${its}`),
            its === 'sent' ? '' : say('notify', 'attempts', { count: attempts }),
            its === 'sent' ? '' : detail(lastError ?? ''),
          ]),
        ),
      );
  });
}
