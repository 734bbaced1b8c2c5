import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import type {
  ContentPlace,
  RestorableFile,
  RestorableVersion,
  RestoreIndex,
  RestorePass,
  RestoreRow,
  RestoreTotals,
  Selection,
} from '../restore/restore-index.ts';
import type { Catalog } from './catalog.ts';
import { entriesIn, entriesWithVersion, entryPages, Values } from './selected-entries.ts';

/** What restore knows of the repository from its catalog. */
export function catalogIndex(catalog: Catalog): RestoreIndex {
  return {
    sourceIdOf: (name) => sourceIdOf(catalog, name),
    totals: (selection) => restoreTotals(catalog, selection),
    hardlinkTargets: (selection) => hardlinkTargets(catalog, selection),
    rows: (selection, pass) => restoreRows(catalog, selection, pass),
    elsewhere: (version) => otherPlaces(catalog, version),
  };
}

async function sourceIdOf(catalog: Catalog, name: string): Promise<Id | undefined> {
  const [row] = await catalog.rows<{ id: Id }>('select id from sources where name = $1', [name]);
  return row?.id;
}

const placesOfContent = `placements pl join objects o on o.id = pl.object_id
    cross join lateral sealed_file_at(pl.object_id, pl.byte_offset) f
    join sealings s on s.id = f.sealing_id`;

/** Where the content of a version `v` is; where the object is still known to exist before where it was lost. */
const contentPlace = `select pl.destination, f.byte_offset, f.length, o.key, o.s3_version_id,
    s.version_id as made_for, s.key_id, o.format, f.sealed_sha256
  from ${placesOfContent}
  where pl.version_id = v.id and pl.state = 'committed'
  order by o.state = 'live' desc, pl.destination limit 1`;

async function otherPlaces(catalog: Catalog, { id, place }: RestorableFile): Promise<ContentPlace[]> {
  const rows = await catalog.rows<ContentPlace & { readonly sealedSha256: Buffer | null }>(
    `select pl.destination, o.key, o.s3_version_id as "s3VersionId", f.byte_offset as offset, f.length, o.format,
            s.version_id as "madeFor", s.key_id as "keyId", f.sealed_sha256 as "sealedSha256"
     from ${placesOfContent}
     where pl.version_id = $1 and pl.destination <> $2 and pl.state = 'committed' and o.state = 'live'
     order by coalesce(o.check_result, 'ok') = 'ok' desc, pl.destination`,
    [id, place.destination],
  );
  return rows.map(({ sealedSha256, ...row }) => ({
    ...row,
    ...(sealedSha256 === null ? {} : { sealedSha256 }),
  }));
}

async function restoreTotals(catalog: Catalog, selection: Selection): Promise<RestoreTotals> {
  let totals: RestoreTotals = { entries: 0, files: 0, hardlinks: 0, links: 0, folders: 0, bytes: 0 };
  for await (const page of entryPages(catalog, selection, 'forwards')) {
    const { from, values } = entriesWithVersion(selection, page);
    const [row] = await catalog.rows<RestoreTotals>(
      `select count(*) as entries,
              count(*) filter (where g.kind = 'file') as files,
              count(*) filter (where g.kind = 'file' and g.hardlink is not null) as hardlinks,
              count(*) filter (where g.kind = 'link') as links,
              count(*) filter (where g.kind = 'dir') as folders,
              coalesce(sum(g.size_bytes) filter (where g.kind = 'file' and g.hardlink is null), 0)::bigint as bytes
       ${from}`,
      values,
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

async function hardlinkTargets(catalog: Catalog, selection: Selection): Promise<Set<Id>> {
  const values = new Values();
  const rows = await catalog.rows<{ hardlink: Id }>(
    `select distinct v.hardlink from entries e join versions v on v.entry_id = e.id
     where ${entriesIn(selection, values)} and v.hardlink is not null`,
    values.list,
  );
  return new Set(rows.map((row) => row.hardlink));
}

/** What an entry has to have among its versions to be worth looking at, and what its newest protected version `g` has to be. */
const passes: Readonly<Record<RestorePass, string>> = {
  tree: `(g.id is null or g.kind = 'dir' or (g.kind = 'file' and g.hardlink is null))`,
  hardlinks: `${hasVersion('v.hardlink is not null')} and g.kind = 'file' and g.hardlink is not null`,
  links: `${hasVersion("v.kind <> 'file'")} and g.kind = 'link'`,
  folders: `${hasVersion("v.kind <> 'file'")} and g.kind = 'dir'`,
};

function hasVersion(condition: string): string {
  return `exists (select 1 from versions v where v.entry_id = e.id and ${condition})`;
}

async function* restoreRows(
  catalog: Catalog,
  selection: Selection,
  pass: RestorePass,
): AsyncGenerator<RestoreRow> {
  const direction = pass === 'folders' ? 'backwards' : 'forwards';
  for await (const page of entryPages(catalog, selection, direction)) {
    const { from, values } = entriesWithVersion(selection, page, contentPlace);
    const rows = await catalog.rows<Row>(
      `select e.id as "entryId", e.path, h.id as "headId", h.kind as "headKind", h.outcome as "headOutcome",
              h.reason is not distinct from 'expired' as "headIsExpired",
              g.id, g.kind, g.size_bytes as "sizeBytes", g.mode, g.uid, g.gid, g.mtime_ns::text as "mtimeNs",
              g.link_target as "linkTarget", g.hardlink, g.sha512, g.destination, g.key,
              g.s3_version_id as "s3VersionId", g.byte_offset as "offset", g.length,
              g.made_for as "madeFor", g.key_id as "keyId", g.format, g.sealed_sha256 as "sealedSha256", g.xattrs,
              g.late_signature as "lateSignature"
       ${from} and ${passes[pass]}
       order by e.path ${direction === 'forwards' ? 'asc' : 'desc'}`,
      values,
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
  readonly headIsExpired: boolean;
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
  readonly lateSignature: string | null;
}

function restoreRow(row: Row): RestoreRow {
  return {
    entryId: row.entryId,
    path: row.path,
    ...(row.headId === null
      ? {}
      : {
          head: {
            ...{ id: row.headId, kind: row.headKind, outcome: row.headOutcome },
            ...(row.headIsExpired ? { isExpired: true } : {}),
          },
        }),
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
        ...(row.lateSignature === null ? {} : { infected: row.lateSignature }),
      };
    }
  }
}
