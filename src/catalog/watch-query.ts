import type { Catalog } from './catalog.ts';

/** How many folders stand in the sources of these names. */
export async function knownFolders(catalog: Catalog, sourceNames: readonly string[]): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(*) as count from entries e join versions v on v.id = e.head_version_id join sources s on s.id = e.source_id
     where s.name = any($1) and v.kind = 'dir' and v.outcome not in ('deleted', 'vanished')`,
    [sourceNames],
  );
  return row?.count ?? 0;
}
