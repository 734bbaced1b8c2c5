import type { ConditionKind } from '../domain/notifications.ts';
import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';

/** Something that lasts, or lasted. */
export interface ConditionRow {
  readonly id: Id;
  readonly kind: ConditionKind;
  readonly subject: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly since: Date;
  readonly told: number;
  readonly episode: number;
  readonly isEnded: boolean;
  readonly toldMsAgo: number;
  /** For how long it is not so any more; null: it is. */
  readonly clearMs: number | null;
}

const columns = `id, kind, subject, facts, since, told, episode, ended_at is not null as "isEnded",
  (extract(epoch from now() - told_at) * 1000)::float8 as "toldMsAgo",
  (extract(epoch from now() - clear_at) * 1000)::float8 as "clearMs"`;

/** The condition as it is on record, and nobody else changes it until the transaction ends. */
export async function lockedCondition(rows: Rows, id: Id): Promise<ConditionRow | undefined> {
  const [row] = (await rows(`select ${columns} from conditions where id = $1 for update`, [
    id,
  ])) as ConditionRow[];
  return row;
}

/** Notes that it begins; false where it has begun meanwhile. */
export async function beginCondition(
  rows: Rows,
  { id, kind, subject, facts }: Pick<ConditionRow, 'id' | 'kind' | 'subject' | 'facts'>,
): Promise<number | undefined> {
  const [row] = (await rows(
    `insert into conditions as known (id, kind, subject, facts) values ($1, $2, $3, $4)
     on conflict (id) do update set facts = excluded.facts, since = now(), told_at = now(), told = 1, clear_at = null,
       ended_at = null, episode = known.episode + 1
     where known.ended_at is not null returning episode`,
    [id, kind, subject, JSON.stringify(facts)],
  )) as { episode: number }[];
  return row?.episode;
}

/** Notes that it still is, and whether that is told again. */
export async function keepCondition(
  rows: Rows,
  id: Id,
  facts: Readonly<Record<string, unknown>>,
  isTold: boolean,
): Promise<void> {
  await rows(
    `update conditions set facts = $2, clear_at = null, told_at = case when $3 then now() else told_at end,
       told = told + $3::int where id = $1`,
    [id, JSON.stringify(facts), isTold],
  );
}

/** Notes that it is not so any more, or that it has ended. */
export async function clearCondition(rows: Rows, id: Id, isEnded: boolean): Promise<void> {
  await rows(
    `update conditions set clear_at = coalesce(clear_at, now()), ended_at = case when $2 then now() end where id = $1`,
    [id, isEnded],
  );
}

/**
 * Ends, without a word, what nobody looks at any more: sources and channels that were taken out, hosts that were revoked.
 *
 * @param looked kinds that were looked at just now, each with the subjects that there are
 */
export async function endUnlooked(
  catalog: Catalog,
  looked: readonly { readonly kind: ConditionKind; readonly subjects: readonly string[] }[],
): Promise<void> {
  for (const { kind, subjects } of looked)
    await catalog.rows(
      `update conditions set clear_at = coalesce(clear_at, now()), ended_at = now()
       where kind = $1 and ended_at is null and subject <> all($2)`,
      [kind, subjects],
    );
  await catalog.rows(
    `update conditions set clear_at = coalesce(clear_at, now()), ended_at = now()
     where ended_at is null and subject in (select id from hosts where revoked_at is not null)`,
  );
}

/** What lasts now, the oldest first. */
export function lastingConditions(catalog: Catalog): Promise<ConditionRow[]> {
  return catalog.rows<ConditionRow>(
    `select ${columns} from conditions where ended_at is null and clear_at is null order by since, id`,
  );
}

/** When the last complete sweep of each source that a host serves had ended; `sinceMs` null: none ever was. */
export interface SourceSweep {
  readonly sourceId: Id;
  readonly source: string;
  readonly sinceMs: number | null;
  /** How long the source has been known. */
  readonly knownMs: number;
}

export function sweptSources(catalog: Catalog): Promise<SourceSweep[]> {
  return catalog.rows<SourceSweep>(
    `select s.id as "sourceId", s.name as source, (extract(epoch from now() - s.added_at) * 1000)::float8 as "knownMs",
       (extract(epoch from now() - r.ended_at) * 1000)::float8 as "sinceMs"
     from sources s left join lateral (
       select ended_at from run_log where kind = 'sweep' and source_id = s.id and result in ('complete', 'complete with warnings')
       order by started_at desc limit 1
     ) r on true
     where exists (select from host_sources hs join hosts h on h.id = hs.host_id
       where hs.source_id = s.id and h.revoked_at is null)
     order by s.name`,
  );
}

/** Files whose newest version failed. Reads every entry: not to be asked every minute. */
export async function failedFiles(catalog: Catalog): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(*)::int as count from entries e join versions v on v.id = e.head_version_id where v.outcome = 'failed'`,
  );
  return row?.count ?? 0;
}

/** Paths of a few of them. */
export async function failedPaths(catalog: Catalog, limit: number): Promise<Buffer[]> {
  const rows = await catalog.rows<{ path: Buffer }>(
    `select e.path from entries e join versions v on v.id = e.head_version_id where v.outcome = 'failed' order by e.path limit $1`,
    [limit],
  );
  return rows.map(({ path }) => path);
}

/** Sweeps that ended in the last two hours and that no message tells of, the oldest first. */
export function untoldSweeps(catalog: Catalog): Promise<{ id: Id; isComplete: boolean }[]> {
  return catalog.rows(
    `select r.id, r.result in ('complete', 'complete with warnings') as "isComplete" from run_log r
     where r.kind = 'sweep' and r.ended_at > now() - interval '2 hours' and r.started_at > now() - interval '30 days'
       and not exists (select 1 from notifications n where n.subject = r.id)
     order by r.ended_at`,
  );
}
