import type { Catalog } from '../catalog/catalog.ts';
import type { Id, Outcome } from '../domain/records.ts';

/** Counts of entries; bytes; seconds from the start of the run. */
export interface SweepTotals extends Readonly<Record<Exclude<Outcome, 'cancelled'>, number>> {
  readonly seen: number;
  readonly unchanged: number;
  readonly unreachable: number;
  /** Content that was fingerprinted. */
  readonly bytesRead: number;
  /** Sealed bytes that were stored. */
  readonly bytesSent: number;
  readonly seconds: number;
}

/** What a walk met. */
export interface Walked {
  readonly seen: number;
  readonly skipped: number;
  readonly unreachable: number;
}

/**
 * What came of a sweep, by the outcomes its run recorded. An entry that another run, such as the watcher's, was already
 * looking at counts as unchanged here.
 */
export async function sweepTotals(catalog: Catalog, runId: Id, walked: Walked): Promise<SweepTotals> {
  const found = await catalog.rows<{ outcome: Exclude<Outcome, 'cancelled'>; count: number }>(
    `select outcome, count(*) as count
     from (select distinct on (entry_id) outcome from file_status
           where run_id = $1 and outcome <> 'cancelled' order by entry_id, at desc) s
     group by outcome`,
    [runId],
  );
  const [sums] = await catalog.rows<{ bytesRead: number; bytesSent: number; seconds: number }>(
    `select (select coalesce(sum(v.size_bytes), 0)::bigint from file_status f join versions v on v.id = f.version_id
             where f.run_id = $1 and v.sha512 is not null) as "bytesRead",
            (select coalesce(sum(o.length), 0)::bigint from objects o where o.id in (
               select p.object_id from file_status f join placements p on p.version_id = f.version_id
               where f.run_id = $1 and f.outcome = 'uploaded' and p.state = 'committed')) as "bytesSent",
            extract(epoch from now() - started_at)::integer as seconds
     from run_log where id = $1`,
    [runId],
  );
  const by = Object.fromEntries(found.map(({ outcome, count }) => [outcome, count]));
  const of = (outcome: Outcome): number => by[outcome] ?? 0;
  const { seen, skipped, unreachable } = walked;
  const handled = found.reduce((sum, { outcome, count }) => (outcome === 'deleted' ? sum : sum + count), 0);
  return {
    seen,
    unchanged: Math.max(0, seen - skipped - unreachable - handled),
    uploaded: of('uploaded'),
    duplicate: of('duplicate'),
    ignored: skipped + of('ignored'),
    quarantined: of('quarantined'),
    held: of('held'),
    failed: of('failed'),
    vanished: of('vanished'),
    deleted: of('deleted'),
    unreachable,
    bytesRead: sums?.bytesRead ?? 0,
    bytesSent: sums?.bytesSent ?? 0,
    seconds: sums?.seconds ?? 0,
  };
}
