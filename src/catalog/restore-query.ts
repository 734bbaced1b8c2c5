import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import type {
  ContentPlace,
  RestorableVersion,
  RestoreIndex,
  RestorePass,
  RestoreRow,
  RestoreTotals,
  Selection,
} from '../restore/restore-index.ts';
import type { Catalog } from './catalog.ts';

/** What restore knows of the repository from its catalog. */
export function catalogIndex(catalog: Catalog): RestoreIndex {
  return {
    sourceIdOf: (name) => sourceIdOf(catalog, name),
    totals: (selection) => restoreTotals(catalog, selection),
    hardlinkTargets: (selection) => hardlinkTargets(catalog, selection),
    rows: (selection, pass) => restoreRows(catalog, selection, pass),
  };
}

async function sourceIdOf(catalog: Catalog, name: string): Promise<Id | undefined> {
  const [row] = await catalog.rows<{ id: Id }>('select id from sources where name = $1', [name]);
  return row?.id;
}

/** The entries of a selection ($1 source, $2 path), `e`. */
const selected = `e.source_id = $1
  and ($2::bytea = '' or e.path = $2 or (e.path > $2 || '/'::bytea and e.path < $2 || '0'::bytea))`;

/** Where a page lies between its bounds, both null when open: $3 is outside it, $4 its last entry. */
const inPage = {
  forwards: `($3::bytea is null or e.path > $3) and ($4::bytea is null or e.path <= $4)`,
  backwards: `($3::bytea is null or e.path < $3) and ($4::bytea is null or e.path >= $4)`,
};
type Direction = keyof typeof inPage;

/**
 * An entry, its head `h`, and its newest protected version `g`: of a file the newest with a committed placement.
 * Entries whose head is a tombstone are gone.
 */
const entriesWithVersion = (direction: Direction): string => `
  from entries e
  left join versions h on h.id = e.head_version_id
  left join lateral (
    select v.*, p.destination, p.byte_offset, p.length, p.key, p.s3_version_id, p.object_length, p.made_for, p.key_id,
           p.format, p.sealed_sha256
    from versions v
    left join lateral (
      select pl.destination, pl.byte_offset, pl.length, o.key, o.s3_version_id, o.length as object_length,
             s.version_id as made_for, s.key_id, o.format, o.sealed_sha256
      from placements pl join objects o on o.id = pl.object_id join sealings s on s.id = o.sealing_id
      where pl.version_id = v.id and pl.state = 'committed' order by pl.destination limit 1
    ) p on true
    where v.entry_id = e.id
      and ((v.kind in ('dir', 'link') and v.outcome = 'uploaded')
        or (v.kind = 'file' and v.outcome in ('uploaded', 'duplicate') and v.sha512 is not null and p.key is not null))
    order by v.observation desc limit 1
  ) g on true
  where ${selected} and ${inPage[direction]} and h.outcome is distinct from 'deleted'`;

/** How many entries one statement looks at, so that none takes long however many there are. */
const pageEntries = 1_000;

/** The bounds of one page after the other, as parameters of {@link inPage}. */
async function* pages(
  catalog: Catalog,
  { sourceId, path }: Selection,
  direction: Direction,
): AsyncGenerator<[Id, Buffer, Buffer | null, Buffer | null]> {
  let after: Buffer | null = null;
  for (;;) {
    const [last]: { path: Buffer }[] = await catalog.rows<{ path: Buffer }>(
      `select e.path from entries e where ${selected} and ${inPage[direction]}
       order by e.path ${direction === 'forwards' ? 'asc' : 'desc'} limit 1 offset ${pageEntries - 1}`,
      [sourceId, path, after, null],
    );
    yield [sourceId, path, after, last?.path ?? null];
    if (last === undefined) return;
    after = last.path;
  }
}

async function restoreTotals(catalog: Catalog, selection: Selection): Promise<RestoreTotals> {
  let totals: RestoreTotals = { entries: 0, files: 0, hardlinks: 0, links: 0, folders: 0, bytes: 0 };
  for await (const page of pages(catalog, selection, 'forwards')) {
    const [row] = await catalog.rows<RestoreTotals>(
      `select count(*) as entries,
              count(*) filter (where g.kind = 'file') as files,
              count(*) filter (where g.kind = 'file' and g.hardlink is not null) as hardlinks,
              count(*) filter (where g.kind = 'link') as links,
              count(*) filter (where g.kind = 'dir') as folders,
              coalesce(sum(g.size_bytes) filter (where g.kind = 'file' and g.hardlink is null), 0)::bigint as bytes
       ${entriesWithVersion('forwards')}`,
      page,
    );
    if (row !== undefined) totals = sum(totals, row);
  }
  return totals;
}

function sum(a: RestoreTotals, b: RestoreTotals): RestoreTotals {
  return {
    entries: a.entries + b.entries,
    files: a.files + b.files,
    hardlinks: a.hardlinks + b.hardlinks,
    links: a.links + b.links,
    folders: a.folders + b.folders,
    bytes: a.bytes + b.bytes,
  };
}

async function hardlinkTargets(catalog: Catalog, { sourceId }: Selection): Promise<Set<Id>> {
  const rows = await catalog.rows<{ hardlink: Id }>(
    `select distinct v.hardlink from versions v join entries e on e.id = v.entry_id
     where e.source_id = $1 and v.hardlink is not null`,
    [sourceId],
  );
  return new Set(rows.map((row) => row.hardlink));
}

const passes: Readonly<Record<RestorePass, string>> = {
  tree: `and (g.id is null or g.kind = 'dir' or (g.kind = 'file' and g.hardlink is null))`,
  hardlinks: `and g.kind = 'file' and g.hardlink is not null`,
  links: `and g.kind = 'link'`,
  folders: `and g.kind = 'dir'`,
};

async function* restoreRows(
  catalog: Catalog,
  selection: Selection,
  pass: RestorePass,
): AsyncGenerator<RestoreRow> {
  const direction = pass === 'folders' ? 'backwards' : 'forwards';
  for await (const page of pages(catalog, selection, direction)) {
    const rows = await catalog.rows<Row>(
      `select e.id as "entryId", e.path, h.id as "headId", h.kind as "headKind", h.outcome as "headOutcome",
              g.id, g.kind, g.size_bytes as "sizeBytes", g.mode, g.uid, g.gid, g.mtime_ns::text as "mtimeNs",
              g.link_target as "linkTarget", g.hardlink, g.sha512, g.destination, g.key,
              g.s3_version_id as "s3VersionId", g.byte_offset as "offset", coalesce(g.length, g.object_length) as length,
              g.made_for as "madeFor", g.key_id as "keyId", g.format, g.sealed_sha256 as "sealedSha256", g.xattrs
       ${entriesWithVersion(direction)} ${passes[pass]}
       order by e.path ${direction === 'forwards' ? 'asc' : 'desc'}`,
      page,
    );
    for (const row of rows) yield restoreRow(row);
  }
}

interface Row {
  readonly entryId: Id;
  readonly path: Buffer;
  readonly headId: Id | null;
  readonly headKind: EntryKind;
  readonly headOutcome: Outcome;
  readonly id: Id | null;
  readonly kind: RestorableVersion['kind'];
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: string;
  readonly linkTarget: Buffer | null;
  readonly hardlink: Id | null;
  readonly sha512: Buffer;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  readonly offset: number;
  readonly length: number;
  readonly madeFor: Id;
  readonly keyId: Id;
  readonly format: ContentPlace['format'];
  readonly sealedSha256: Buffer | null;
  readonly xattrs: Record<string, string> | null;
}

function restoreRow(row: Row): RestoreRow {
  return {
    entryId: row.entryId,
    path: row.path,
    ...(row.headId === null
      ? {}
      : { head: { id: row.headId, kind: row.headKind, outcome: row.headOutcome } }),
    ...(row.id === null ? {} : { version: restorable({ ...row, id: row.id }) }),
  };
}

function restorable(row: Row & { readonly id: Id }): RestorableVersion {
  const { id, mode, uid, gid, xattrs } = row;
  const common = { id, mode, uid, gid, mtimeNs: BigInt(row.mtimeNs), ...(xattrs === null ? {} : { xattrs }) };
  switch (row.kind) {
    case 'dir':
      return { ...common, kind: 'dir' };
    case 'link':
      return { ...common, kind: 'link', linkTarget: row.linkTarget ?? Buffer.alloc(0) };
    case 'file': {
      const { sizeBytes, sha512, hardlink, destination, key, s3VersionId, offset, length, madeFor, keyId } =
        row;
      const { format, sealedSha256 } = row;
      const place = {
        destination,
        key,
        s3VersionId,
        offset,
        length,
        madeFor,
        keyId,
        format,
        ...(sealedSha256 === null ? {} : { sealedSha256 }),
      };
      return {
        ...common,
        kind: 'file',
        sizeBytes,
        sha512,
        place,
        ...(hardlink === null ? {} : { hardlink }),
      };
    }
  }
}
