import type { IncidentKind, Outcome } from '../domain/records.ts';
import type { Catalog, RunResult } from './catalog.ts';

/** How many versions of a source have an outcome, and how many of them are what stands of their entries now. */
export interface OutcomeCount {
  /** The source's name. */
  readonly source: string;
  readonly outcome: Outcome;
  readonly versions: number;
  readonly entries: number;
}

/** Reads all versions. */
export async function outcomeCounts(catalog: Catalog): Promise<OutcomeCount[]> {
  return catalog.rows<OutcomeCount>(
    `select s.name as source, v.outcome, count(*) as versions, count(*) filter (where e.head_version_id = v.id) as entries
     from versions v join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
     where v.outcome is not null group by s.name, v.outcome`,
  );
}

/** What of a source waits to be protected. */
export interface SourceBacklog {
  readonly source: string;
  /** Entries of which something was told that no look has answered. */
  readonly waiting: number;
  /** For how long the oldest of them has waited, or failed since it was last protected; 0 where none does. Seconds. */
  readonly oldestSeconds: number;
}

/** Reads all entries and all versions, each once. What is held, quarantined or ignored has its decision and does not wait. */
export async function sourceBacklogs(catalog: Catalog): Promise<SourceBacklog[]> {
  return catalog.rows<SourceBacklog>(
    `with waiting as (
       select source_id, count(*) as entries, min(noticed_at) as since from entries
       where hint > settled_hint group by source_id
     ), failing as (
       select e.source_id, min(least(e.noticed_at, (
                select min(f.observed_at) from versions f
                where f.entry_id = e.id and f.outcome = 'failed' and f.observation > coalesce((
                  select max(p.observation) from versions p
                  where p.entry_id = e.id and p.outcome in ('uploaded', 'duplicate')), 0)))) as since
       from versions v join entries e on e.id = v.entry_id and e.head_version_id = v.id
       where v.outcome = 'failed' group by e.source_id
     )
     select s.name as source, coalesce(w.entries, 0) as waiting,
            greatest(0, coalesce(extract(epoch from now() - least(w.since, f.since)), 0))::float8 as "oldestSeconds"
     from sources s left join waiting w on w.source_id = s.id left join failing f on f.source_id = s.id`,
  );
}

/** The newest sweep of a source that came to its end. */
export interface LastSweep {
  readonly source: string;
  /** When one last saw everything; of a source that none did yet, when it was added. */
  readonly completeAt: Date;
  /** How long that one took; 0 where there is none. */
  readonly seconds: number;
}

export async function lastSweeps(catalog: Catalog): Promise<LastSweep[]> {
  return catalog.rows<LastSweep>(
    `select s.name as source, coalesce(r.ended_at, s.added_at) as "completeAt",
            coalesce(extract(epoch from r.ended_at - r.started_at), 0)::float8 as seconds
     from sources s left join lateral (
       select started_at, ended_at from run_log
       where kind = 'sweep' and source_id = s.id and result in ('complete', 'complete with warnings')
       order by started_at desc limit 1) r on true`,
  );
}

/** Kinds of runs that somebody has to miss when they stop, or fail. */
export const watchedRuns = ['sweep', 'verify', 'audit-verify', 'restore', 'rescan', 'retention'] as const;
export type WatchedRun = (typeof watchedRuns)[number];

export interface RunCount {
  readonly kind: WatchedRun;
  readonly result: RunResult;
  readonly runs: number;
  readonly lastEndedAt: Date;
}

/** Reads the run log. */
export async function runCounts(catalog: Catalog): Promise<RunCount[]> {
  return catalog.rows<RunCount>(
    `select kind, result, count(*) as runs, max(ended_at) as "lastEndedAt" from run_log
     where ended_at is not null and kind = any($1) group by kind, result`,
    [watchedRuns],
  );
}

/** What lies in a destination. */
export interface StoredCount {
  readonly destination: string;
  readonly objects: number;
  readonly bytes: number;
}

/** Reads all objects. */
export async function storedCounts(catalog: Catalog): Promise<StoredCount[]> {
  return catalog.rows<StoredCount>(
    `select destination, count(*) as objects, sum(length)::float8 as bytes from objects
     where state = 'live' group by destination`,
  );
}

export const unsoundResults = ['missing', 'lock_mismatch', 'tampered', 'unreadable'] as const;

/** Objects that a look did not find as they were written, by what was found. */
export interface UnsoundCount {
  readonly destination: string;
  readonly result: (typeof unsoundResults)[number];
  readonly objects: number;
}

export async function unsoundCounts(catalog: Catalog): Promise<UnsoundCount[]> {
  return catalog.rows<UnsoundCount>(
    `select destination, check_result as result, count(*) as objects from objects
     where state = 'live' and check_result <> 'ok' group by destination, check_result`,
  );
}

export async function openIncidents(
  catalog: Catalog,
): Promise<{ readonly kind: IncidentKind; readonly incidents: number }[]> {
  return catalog.rows(
    `select kind, count(*) as incidents from incidents where state <> 'closed' group by kind`,
  );
}

/** When the catalog began: what never happened is late from then. Undefined before the first source. */
export async function beginning(catalog: Catalog): Promise<Date | undefined> {
  const [row] = await catalog.rows<{ at: Date | null }>('select min(added_at) as at from sources');
  return row?.at ?? undefined;
}
