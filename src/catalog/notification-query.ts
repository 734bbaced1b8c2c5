import type { Topic } from '../domain/notifications.ts';
import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import { insertRows } from './insert-rows.ts';

/** A message that is to go out: what it is about, not its text. */
export interface NotificationRow {
  /** Of topic, subject, channel and occasion: told twice it goes out once. */
  readonly id: Id;
  readonly channel: string;
  readonly topic: Topic;
  readonly subject: string;
  /** Ids, codes and numbers, never a path. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Undefined: whoever the channel names. */
  readonly recipient?: string;
}

export interface Notification extends Omit<NotificationRow, 'recipient'> {
  readonly recipient: string | null;
  readonly createdAt: Date;
  readonly state: 'waiting' | 'sent' | 'failed';
  readonly attempts: number;
  readonly lastAttemptAt: Date | null;
  readonly lastError: string | null;
  readonly sentAt: Date | null;
}

const columns = `id, channel, topic, subject, facts, recipient, created_at as "createdAt", state, attempts,
  last_attempt_at as "lastAttemptAt", last_error as "lastError", sent_at as "sentAt"`;

/** Adds messages that are not there yet. */
export async function addNotifications(rows: Rows, notifications: readonly NotificationRow[]): Promise<void> {
  await insertRows(
    rows,
    'notifications',
    notifications.map(({ recipient, ...row }) => ({ ...row, recipient: recipient ?? null })),
  );
}

export async function notificationById(catalog: Catalog, id: Id): Promise<Notification | undefined> {
  const [row] = await catalog.rows<Notification>(`select ${columns} from notifications where id = $1`, [id]);
  return row;
}

/** Messages, the newest first, at most `limit`; `only` those in one state, or about one thing. */
export function listedNotifications(
  catalog: Catalog,
  { state, subject, limit }: { readonly state?: string; readonly subject?: Id; readonly limit: number },
): Promise<Notification[]> {
  return catalog.rows<Notification>(
    `select ${columns} from notifications
     where ($1::text is null or state = $1) and ($2::text is null or subject = $2)
     order by created_at desc, id desc limit $3`,
    [state ?? null, subject ?? null, limit],
  );
}

/** Waiting messages that no workflow has taken yet; with `all` every one that waits. */
export function untakenNotifications(
  catalog: Catalog,
  all: boolean,
): Promise<Pick<Notification, 'id' | 'topic' | 'channel'>[]> {
  return catalog.rows(
    `select id, topic, channel from notifications where state = 'waiting' and ($1 or taken_at is null) order by created_at, id limit 1000`,
    [all],
  );
}

export async function markTaken(catalog: Catalog, ids: readonly Id[]): Promise<void> {
  await catalog.rows('update notifications set taken_at = now() where id = any($1) and taken_at is null', [
    ids,
  ]);
}

/** What became of one try. The first end stands: a message that is sent stays so. */
export async function noteDelivery(
  rows: Rows,
  id: Id,
  outcome: { readonly state: 'sent' } | { readonly state: 'waiting' | 'failed'; readonly error: string },
): Promise<boolean> {
  const found = await rows(
    `update notifications set state = $2, attempts = attempts + 1, last_attempt_at = now(),
       last_error = coalesce($3, last_error), sent_at = case when $2 = 'sent' then now() end
     where id = $1 and state = 'waiting' returning id`,
    [id, outcome.state, 'error' in outcome ? outcome.error : null],
  );
  return found.length > 0;
}

/** Gives up a message without another try. What was never tried says nothing of its channel. */
export async function giveUp(catalog: Catalog, id: Id, why: string): Promise<void> {
  await catalog.rows(
    `update notifications set state = 'failed', last_error = coalesce(last_error, $2) where id = $1 and state = 'waiting'`,
    [id, why],
  );
}

/** How many other incidents of a kind messages of this topic were made about in the last hour. */
export async function toldLately(
  catalog: Catalog,
  topic: Topic,
  kind: string,
  otherThan: Id,
): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(distinct subject)::int as count from notifications
     where topic = $1 and facts ->> 'kind' = $2 and subject <> $3 and created_at > now() - interval '1 hour'`,
    [topic, kind, otherThan],
  );
  return row?.count ?? 0;
}

/** What a channel could not deliver. */
export interface ChannelTrouble {
  readonly channel: string;
  /** Messages given up in the last week, and those that wait after several tries. */
  readonly count: number;
  readonly lastError: string;
}

/** Of these channels the ones that have delivered nothing yet: nobody knows whether they do. */
export async function untriedChannels(catalog: Catalog, names: readonly string[]): Promise<string[]> {
  const rows = await catalog.rows<{ name: string }>(
    `select name from unnest($1::text[]) name
     where not exists (select from notifications n where n.channel = name and n.state = 'sent')`,
    [names],
  );
  return rows.map(({ name }) => name);
}

/** Of these channels the ones whose newest message that was tried several times did not go out. */
export function channelTroubles(catalog: Catalog, names: readonly string[]): Promise<ChannelTrouble[]> {
  return catalog.rows<ChannelTrouble>(
    `with tried as (
       select channel, state, last_error, last_attempt_at from notifications
       where (state = 'failed' and attempts > 0 and created_at > now() - interval '7 days') or (state = 'waiting' and attempts >= 3)
     )
     select channel, count(*)::int as count,
       (array_agg(last_error order by last_attempt_at desc))[1] as "lastError"
     from tried t where not exists (
       select 1 from notifications n where n.channel = t.channel and n.state = 'sent' and n.sent_at > t.last_attempt_at)
       and channel = any($1)
     group by channel order by channel`,
    [names],
  );
}
