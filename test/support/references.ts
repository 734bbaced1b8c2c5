import type { Catalog } from '../../src/catalog/catalog.ts';

/** What names rows of another table without a constraint that says so: migration 0025. */
const references = [
  ['decisions', 'version_id', 'versions', 'id'],
  ['decisions', 'evidence_id', 'evidence', 'id'],
  ['scans', 'version_id', 'versions', 'id'],
  ['sealings', 'version_id', 'versions', 'id'],
  ['pack_members', 'sealing_id', 'sealings', 'id'],
  ['pack_members', 'sha512', 'contents', 'sha512'],
  ['placements', 'version_id', 'versions', 'id'],
  ['placements', 'object_id', 'objects', 'id'],
  ['versions', 'entry_id', 'entries', 'id'],
  ['file_status', 'version_id', 'versions', 'id'],
  ['batch_items', 'entry_id', 'entries', 'id'],
  ['versions', 'scan_id', 'scans', 'id'],
] as const;

/** References to what is not there, e.g. `scans.version_id`. */
export async function danglingReferences(catalog: Catalog): Promise<string[]> {
  const dangling: string[] = [];
  for (const [table, column, named, key] of references) {
    const found = await catalog.rows(
      `select 1 from ${table} r where r.${column} is not null and not exists (select 1 from ${named} n where n.${key} = r.${column}) limit 1`,
    );
    if (found.length > 0) dangling.push(`${table}.${column}`);
  }
  return dangling;
}
