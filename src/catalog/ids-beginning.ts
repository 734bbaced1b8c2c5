import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';

/** Ids of a table that begin so, in order; three at most. */
export async function idsBeginning(
  catalog: Catalog,
  table: 'run_log' | 'incidents',
  start: string,
): Promise<Id[]> {
  const rows = await catalog.rows<{ id: Id }>(
    `select id from ${table} where id >= $1 and id < $2 order by id limit 3`,
    [start, `${start}g`],
  );
  return rows.map(({ id }) => id);
}
