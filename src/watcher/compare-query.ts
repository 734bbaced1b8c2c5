import type { Catalog } from '../catalog/catalog.ts';
import type { StatFacts } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import { undefinedAnswer } from '../policy/engine.ts';

/** What a walk met: an entry and its stat. */
export interface Met {
  readonly entryId: Id;
  readonly facts: StatFacts;
}

export interface PageJudgement {
  /** Positions in the page, from 0, of entries whose state is not known or did not stand well. */
  readonly due: ReadonlySet<number>;
  /** How many of the page's entries stand in the catalog. */
  readonly standing: number;
}

/** Outcomes after which an equal stat means that there is nothing to do. */
const settledWell = `('uploaded', 'duplicate', 'ignored', 'held', 'quarantined')`;

/**
 * Compares a page of a walk with the catalog, there: of an unchanged tree only numbers come back. Equal is what tells of no
 * changed bytes or metadata (a device number may differ after a reboot); content found infected since, or denied because
 * policy could not be understood, is looked at again.
 */
export async function judgePage(catalog: Catalog, page: readonly Met[]): Promise<PageJudgement> {
  const column = (pick: (facts: StatFacts) => unknown): string[] =>
    page.map(({ facts }) => String(pick(facts)));
  const [row] = await catalog.rows<{ due: number[]; standing: number }>(
    `select coalesce(array_agg(w.position::int) filter (where not coalesce(
         v.outcome in ${settledWell} and v.late_signature is null and v.reason is distinct from $10
         and v.ctime_ns = w.ctime_ns and v.inode = w.inode and v.kind = w.kind and v.size_bytes = w.size_bytes
         and v.mode = w.mode and v.uid = w.uid and v.gid = w.gid and v.mtime_ns = w.mtime_ns, false)), '{}') as due,
       count(*) filter (where v.outcome not in ('deleted', 'vanished')) as standing
     from unnest($1::text[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                 $9::numeric[]) with ordinality
       as w(id, kind, size_bytes, mode, uid, gid, mtime_ns, ctime_ns, inode, position)
     left join entries e on e.id = w.id left join versions v on v.id = e.head_version_id`,
    [
      page.map(({ entryId }) => entryId),
      column(({ kind }) => kind),
      column(({ sizeBytes }) => sizeBytes),
      column(({ mode }) => mode),
      column(({ uid }) => uid),
      column(({ gid }) => gid),
      column(({ mtimeNs }) => mtimeNs),
      column(({ ctimeNs }) => ctimeNs),
      column(({ inode }) => inode),
      undefinedAnswer,
    ],
  );
  return { due: new Set((row?.due ?? []).map((position) => position - 1)), standing: row?.standing ?? 0 };
}

/** How many entries of a source stand: not deleted, not vanished. */
export async function countStanding(catalog: Catalog, sourceId: Id): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(*) as count from entries e join versions v on v.id = e.head_version_id
     where e.source_id = $1 and v.outcome not in ('deleted', 'vanished')`,
    [sourceId],
  );
  return row?.count ?? 0;
}
