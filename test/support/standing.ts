import type { Catalog } from '../../src/catalog/catalog.ts';
import type { StatFacts } from '../../src/catalog/rows.ts';
import type { Ids } from '../../src/domain/ids.ts';
import type { Id, Outcome } from '../../src/domain/records.ts';

/** An entry as if it had been protected once. */
export interface Stands {
  readonly path: Buffer;
  readonly facts: StatFacts;
  readonly outcome?: Outcome;
}

/** Puts entries into the catalog as the pipeline would have, at 20,000 in a second. */
export async function recordStanding(
  catalog: Catalog,
  ids: Ids,
  sourceId: Id,
  entries: readonly Stands[],
): Promise<void> {
  const rows = entries.map(({ path, facts, outcome = 'uploaded' }) => {
    const id = ids.entry(sourceId, path);
    return { id, version: ids.version(id, 1), path: `\\x${path.toString('hex')}`, outcome, ...facts };
  });
  const encoded = JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  await catalog.rows(
    `insert into entries (id, source_id, path, observation, head_version_id, head_observation)
     select id, $2, path, 1, version, 1 from jsonb_to_recordset($1) as r(id text, path bytea, version text)`,
    [encoded, sourceId],
  );
  await catalog.rows(
    `insert into versions (id, entry_id, observation, run_id, kind, size_bytes, mode, uid, gid, mtime_ns, ctime_ns, device, inode,
                           outcome, settled_at)
     select version, id, 1, 'earlier', kind, "sizeBytes", mode, uid, gid, "mtimeNs", "ctimeNs", device, inode, outcome, now()
     from jsonb_to_recordset($1) as r(version text, id text, kind text, "sizeBytes" bigint, mode integer, uid bigint, gid bigint,
       "mtimeNs" bigint, "ctimeNs" bigint, device numeric, inode numeric, outcome text)`,
    [encoded],
  );
}
