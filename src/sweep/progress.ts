import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { Id } from '../domain/records.ts';

/** What a sweep did up to a place of its walk: with it another process goes on there. Counts of entries. */
export interface SweepProgress {
  /** Everything up to this path was met. */
  readonly after: Buffer;
  readonly seen: number;
  readonly skipped: number;
  readonly unreachable: number;
  readonly gone: number;
  /** Those of the gone that were kept. */
  readonly keptGone: readonly EntryRef[];
  /** Entries that were handed over one by one, with the hint each waits for. */
  readonly waiting: ReadonlyMap<Id, number>;
}

interface Sweep {
  readonly runId: Id;
  readonly sourceId: Id;
}

export async function saveProgress(
  catalog: Catalog,
  { runId, sourceId }: Sweep,
  { after, seen, skipped, unreachable, gone, keptGone, waiting }: SweepProgress,
): Promise<void> {
  await catalog.rows(
    `insert into sweep_progress (run_id, source_id, after, seen, skipped, unreachable, gone, gone_ids, waiting)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (run_id) do update set after = excluded.after, seen = excluded.seen, skipped = excluded.skipped,
       unreachable = excluded.unreachable, gone = excluded.gone, gone_ids = excluded.gone_ids, waiting = excluded.waiting`,
    [
      ...[runId, sourceId, after, seen, skipped, unreachable, gone, keptGone.map(({ id }) => id)],
      Object.fromEntries(waiting),
    ],
  );
}

/** Undefined for a sweep that has not come to its first place. */
export async function loadProgress(catalog: Catalog, runId: Id): Promise<SweepProgress | undefined> {
  const [row] = await catalog.rows<
    Omit<SweepProgress, 'keptGone' | 'waiting'> & { waiting: Record<Id, number> }
  >('select after, seen, skipped, unreachable, gone, waiting from sweep_progress where run_id = $1', [runId]);
  if (row === undefined) return undefined;
  const keptGone = await catalog.rows<EntryRef>(
    `select e.id, e.source_id as "sourceId", e.path from sweep_progress p join entries e on e.id = any(p.gone_ids)
     where p.run_id = $1 order by e.path`,
    [runId],
  );
  return { ...row, keptGone, waiting: new Map(Object.entries(row.waiting)) };
}

/** Of all sweeps of the source: the one that ends, and those that never did. */
export async function forgetProgress(catalog: Catalog, sourceId: Id): Promise<void> {
  await catalog.rows('delete from sweep_progress where source_id = $1', [sourceId]);
}
