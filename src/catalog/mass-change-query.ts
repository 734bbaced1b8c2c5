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

/** Entries asked about in one statement: their number is not bounded, the time of one statement is. */
const defaultPageSize = 5_000;

/**
 * How much of a source changed or went since a moment. Folders do not count, nor do new entries, nor files whose content
 * is as it was. `firstAt`: when the first of it was noticed. `entries` are counted only where at least `least` changed or went.
 */
export async function changesSince(
  catalog: Catalog,
  sourceId: Id,
  since: Date,
  least: number,
  pageSize = defaultPageSize,
): Promise<ChangeLoad & { readonly firstAt: Date | null }> {
  const asked = { sourceId, since, pageSize };
  const found = { changed: 0, vanished: 0, firstAt: null as Date | null };
  let after: { readonly at: Date | string; readonly id: Id } = { at: since, id: '' };
  for (;;) {
    const page = await changesAfter(catalog, asked, after);
    found.changed += page.changed;
    found.vanished += page.vanished;
    // The pages are in the order of time.
    found.firstAt ??= page.firstAt;
    if (page.lastAt === null || page.lastId === null) break;
    after = { at: page.lastAt, id: page.lastId };
  }
  const entries =
    found.changed + found.vanished < least ? 0 : (await standingBefore(catalog, asked)) + found.vanished;
  return { ...found, entries };
}

interface Asked {
  readonly sourceId: Id;
  readonly since: Date;
  readonly pageSize: number;
}

interface ChangePage {
  readonly changed: number;
  readonly vanished: number;
  readonly firstAt: Date | null;
  /** Where the next page begins, to the microsecond; null at the end. */
  readonly lastAt: string | null;
  readonly lastId: Id | null;
}

/** Each entry counts with the first of its versions since the moment, held against the last one before it. */
async function changesAfter(
  catalog: Catalog,
  { sourceId, since, pageSize }: Asked,
  after: { readonly at: Date | string; readonly id: Id },
): Promise<ChangePage> {
  const [row] = await catalog.rows<ChangePage>(
    `with page as (
       select id, entry_id, observation, observed_at, outcome from versions
       where observation > 1 and (observed_at, id) > ($3::timestamptz, $4) order by observed_at, id limit $5
     ), compared as (
       select p.observed_at, h.outcome = 'deleted' as is_gone,
              h.outcome <> 'deleted' and (h.kind <> b.kind or h.sha512 is not null and h.sha512 is distinct from b.sha512) as is_changed
       from page p join entries e on e.id = p.entry_id join versions h on h.id = e.head_version_id
       join lateral (
         select b.kind, b.sha512, b.outcome from versions b
         where b.entry_id = p.entry_id and b.observed_at < $2 and b.outcome in ('uploaded', 'duplicate', 'deleted')
         order by b.observation desc limit 1
       ) b on b.kind <> 'dir' and b.outcome <> 'deleted'
       where e.source_id = $1 and p.outcome <> 'cancelled' and not exists (
         select 1 from versions f where f.entry_id = p.entry_id and f.observation < p.observation
           and f.observed_at >= $2 and f.outcome <> 'cancelled')
     ), last as (
       select observed_at, id from page order by observed_at desc, id desc limit 1
     )
     select count(*) filter (where is_changed)::int as changed, count(*) filter (where is_gone)::int as vanished,
            min(observed_at) filter (where is_changed or is_gone) as "firstAt",
            (select observed_at::text from last) as "lastAt", (select id from last) as "lastId"
     from compared`,
    [sourceId, since, after.at, after.id, pageSize],
  );
  return row ?? { changed: 0, vanished: 0, firstAt: null, lastAt: null, lastId: null };
}

/** How many entries of a source stand now, folders apart, that are not new since a moment. */
async function standingBefore(catalog: Catalog, { sourceId, since, pageSize }: Asked): Promise<number> {
  let standing = 0;
  for (let after: Id | null = ''; after !== null; ) {
    const [page]: { count: number; last: Id | null }[] = await catalog.rows(
      `with page as (
         select id, head_version_id from entries where source_id = $1 and id > $3 order by id limit $4
       )
       select max(e.id) as last, count(h.id) filter (
         where h.kind <> 'dir' and h.outcome not in ('deleted', 'vanished') and (h.observed_at < $2 or exists (
           select 1 from versions b where b.entry_id = e.id and b.observed_at < $2
             and b.outcome in ('uploaded', 'duplicate')))
       )::int as count
       from page e left join versions h on h.id = e.head_version_id`,
      [sourceId, since, after, pageSize],
    );
    standing += page?.count ?? 0;
    after = page?.last ?? null;
  }
  return standing;
}
