import type { Id, IncidentKind } from '../domain/records.ts';
import type { ChangeLoad } from '../domain/retention.ts';
import type { Catalog } from './catalog.ts';

/** What is known of an incident; undefined where there is none. */
export async function incidentOf(
  catalog: Catalog,
  kind: IncidentKind,
  subject: Id,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [row] = await catalog.rows<{ facts: Record<string, unknown> }>(
    'select facts from incidents where kind = $1 and subject = $2',
    [kind, subject],
  );
  return row?.facts;
}

/** When a sweep began, and since when nobody has judged how much of its source changed. */
export async function lastLook(
  catalog: Catalog,
  sourceId: Id,
  runId: Id,
): Promise<{ readonly startedAt: Date; readonly since: Date }> {
  const [row] = await catalog.rows<{ startedAt: Date; since: Date }>(
    `select r.started_at as "startedAt", greatest(
       coalesce((select max(b.ended_at) from run_log b
                 where b.kind = 'sweep' and b.source_id = $1 and b.id <> r.id and b.ended_at <= r.started_at
                   and b.result in ('complete', 'complete with warnings', 'incomplete')), r.started_at),
       (select resumed_at from retention_sources where source_id = $1)) as since
     from run_log r where r.id = $2`,
    [sourceId, runId],
  );
  if (row === undefined) throw new TypeError('a sweep that is about to end has no row');
  return row;
}

/**
 * How much of a source changed or went since a moment. Folders do not count, nor do new entries, nor files whose content
 * is as it was. `firstAt`: when the first of it was noticed. `entries` are counted only where at least `least` changed or went.
 */
export async function changesSince(
  catalog: Catalog,
  sourceId: Id,
  since: Date,
  least: number,
): Promise<ChangeLoad & { readonly firstAt: Date | null }> {
  const [row] = await catalog.rows<ChangeLoad & { firstAt: Date | null }>(
    `with touched as (
       select v.entry_id, min(v.observed_at) as first_at from versions v join entries e on e.id = v.entry_id
       where v.observed_at >= $2 and e.source_id = $1 and v.outcome is not null and v.outcome <> 'cancelled'
       group by v.entry_id
     ), compared as (
       select t.first_at, h.outcome = 'deleted' as is_gone,
              h.outcome <> 'deleted' and (h.kind <> b.kind or h.sha512 is not null and h.sha512 is distinct from b.sha512) as is_changed
       from touched t join entries e on e.id = t.entry_id join versions h on h.id = e.head_version_id
       join lateral (
         select p.kind, p.sha512, p.outcome from versions p
         where p.entry_id = t.entry_id and p.observed_at < $2 and p.outcome in ('uploaded', 'duplicate', 'deleted')
         order by p.observation desc limit 1
       ) b on b.kind <> 'dir' and b.outcome <> 'deleted'
     ), standing as (
       select count(*) as count from entries e join versions h on h.id = e.head_version_id
       where e.source_id = $1 and h.kind <> 'dir' and h.outcome not in ('deleted', 'vanished')
     ), fresh as (
       select count(*) as count from touched t join entries e on e.id = t.entry_id join versions h on h.id = e.head_version_id
       where h.kind <> 'dir' and h.outcome not in ('deleted', 'vanished') and not exists (
         select 1 from versions p where p.entry_id = t.entry_id and p.observed_at < $2
           and p.outcome in ('uploaded', 'duplicate'))
     )
     select count(*) filter (where is_changed)::int as changed, count(*) filter (where is_gone)::int as vanished,
            min(first_at) filter (where is_changed or is_gone) as "firstAt",
            case when count(*) filter (where is_changed or is_gone) < $3 then 0
              else (select standing.count - fresh.count from standing, fresh)::int
                + count(*) filter (where is_gone)::int end as entries
     from compared`,
    [sourceId, since, least],
  );
  return row ?? { changed: 0, vanished: 0, entries: 0, firstAt: null };
}
