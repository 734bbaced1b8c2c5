import type { Catalog } from '../catalog/catalog.ts';
import type { Id } from '../domain/records.ts';

/** Where the configuration does not say, because sweeps come by hand only. */
export const usualShare = 0.01;

/**
 * Which of the files that look unchanged are read again all the same: bytes can change under an equal stat. Each sweep
 * takes the next share, so that with 1% every file was read after a hundred of them.
 *
 * @param share 0 to 1
 * @param sweepsBefore how many sweeps of the source there were
 */
export function rehashOf(share: number, sweepsBefore: number): (entryId: Id) => boolean {
  const from = (sweepsBefore * share) % 1;
  return (entryId) => {
    // An entry's id is a MAC: its first bits say evenly which turn is its own.
    const turn = Number.parseInt(entryId.slice(0, 8), 16) / 2 ** 32;
    return (turn - from + 1) % 1 < share;
  };
}

export async function sweepsBefore(catalog: Catalog, sourceId: Id): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(*) as count from run_log where kind = 'sweep' and source_id = $1 and ended_at is not null`,
    [sourceId],
  );
  return row?.count ?? 0;
}
