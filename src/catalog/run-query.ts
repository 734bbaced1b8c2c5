import type { Id, Outcome } from '../domain/records.ts';
import type { Catalog, RunResult } from './catalog.ts';

/** One run, as the run log has it. */
export interface LoggedRun {
  readonly runId: Id;
  readonly kind: string;
  /** Name of the source it was about; null for a run of none or several. */
  readonly source: string | null;
  readonly actor: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly result: RunResult | null;
  readonly totals: Readonly<Record<string, number>>;
}

const columns = `r.id as "runId", r.kind, s.name as source, r.actor, r.started_at as "startedAt", r.ended_at as "endedAt",
  r.result, r.totals`;

export interface RunFilter {
  readonly sourceId?: Id | undefined;
  readonly since?: Date | undefined;
  /** Null: those that have not ended. */
  readonly result?: RunResult | null | undefined;
  readonly limit: number;
}

/** The newest runs that match. A run of no source of its own counts for each one of which it settled a file. */
export function newestRuns(
  catalog: Catalog,
  { sourceId, since, result, limit }: RunFilter,
): Promise<LoggedRun[]> {
  return catalog.rows<LoggedRun>(
    `select ${columns} from run_log r left join sources s on s.id = r.source_id
     where ($1::text is null or r.source_id = $1 or r.source_id is null and exists (
              select 1 from file_status f join entries e on e.id = f.entry_id
              where f.run_id = r.id and e.source_id = $1))
       and ($2::timestamptz is null or r.started_at >= $2)
       and ($3::boolean or r.result is not distinct from $4)
     order by r.started_at desc limit $5`,
    [sourceId ?? null, since ?? null, result === undefined, result ?? null, limit],
  );
}

export interface ShownRun extends LoggedRun {
  readonly hostId: Id;
  /** Name of the machine; null where it never told. */
  readonly host: string | null;
}

/** Undefined for an id that no run has. */
export async function loggedRun(catalog: Catalog, runId: Id): Promise<ShownRun | undefined> {
  const [found] = await catalog.rows<ShownRun>(
    `select ${columns}, r.host_id as "hostId", h.name as host from run_log r
     left join sources s on s.id = r.source_id left join hosts h on h.id = r.host_id where r.id = $1`,
    [runId],
  );
  return found;
}

/** How many files of a run ended in each way, and the revisions of the policy that admitted them. */
export function runOutcomes(
  catalog: Catalog,
  runId: Id,
): Promise<{ readonly outcome: Outcome; readonly policyRevision: string | null; readonly count: number }[]> {
  return catalog.rows(
    `select f.outcome, v.bundle_revision as "policyRevision", count(*) as count
     from file_status f join versions v on v.id = f.version_id where f.run_id = $1 and f.outcome <> 'cancelled'
     group by 1, 2`,
    [runId],
  );
}

/** What became of a file in a run, and what its version is by now. */
export interface RunFile {
  readonly source: string;
  readonly path: Buffer;
  readonly outcome: Outcome;
  readonly reason: string | null;
  /** Otherwise than `outcome` once it was decided, or looked into. */
  readonly standing: Outcome | null;
  readonly versionId: Id;
  readonly workflowId: string | null;
  /** Of holds, whatever became of them. */
  readonly holdWorkflowIds: readonly string[];
}

/** Files of a run that ended in one of these ways, worst first, then by source and path. */
export function runFiles(
  catalog: Catalog,
  runId: Id,
  outcomes: readonly Outcome[],
  limit: number,
): Promise<RunFile[]> {
  return catalog.rows<RunFile>(
    `select s.name as source, e.path, f.outcome, f.reason, v.outcome as standing, v.id as "versionId",
            v.workflow_id as "workflowId",
            array(select 'hold:' || h.id from holds h where h.version_id = v.id order by h.destination) as "holdWorkflowIds"
     from file_status f join versions v on v.id = f.version_id join entries e on e.id = f.entry_id
     join sources s on s.id = e.source_id
     where f.run_id = $1 and f.outcome = any($2)
     order by array_position($2, f.outcome), s.name, e.path limit $3`,
    [runId, outcomes, limit],
  );
}
