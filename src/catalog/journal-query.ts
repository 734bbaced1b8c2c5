import type { Id } from '../domain/records.ts';
import type { ManifestPlacement, ManifestRow } from '../manifest/records.ts';
import type { Catalog } from './catalog.ts';
import { storedOutcomes } from './selected-entries.ts';

/** What of a source no manifest lists yet. */
export interface JournalLag {
  readonly sourceId: Id;
  /** The source's name. */
  readonly source: string;
  readonly versions: number;
  /** Age of the oldest; 0 where there is none. Seconds. */
  readonly oldestSeconds: number;
}

/** A place in a pass, to go on after it; opaque. */
export type Cursor = readonly [string, string];

/** A version that a pass comes by, and its place there. */
export interface PassedVersion {
  readonly id: Id;
  readonly cursor: Cursor;
  /** Whether its row may be long: it has extended attributes, perhaps more than a mebibyte. */
  readonly isLong: boolean;
}

/** A version as a manifest lists it. */
export interface ListedVersion {
  readonly row: ManifestRow;
  /** Name of the scope that the row belongs to. */
  readonly scope: string;
}

/** Which versions a pass is about: those that no manifest lists, or the whole live state (docs/format.md section 6.3). */
export type Pass = 'unjournaled' | 'live';

/** Name without prefix of an object, from its whole key in a destination. */
export type ObjectNaming = (destination: string, key: string) => string;

/** Longer paths have no form in a manifest, nor in a sealed file; one that begins with a zero byte was forgotten. */
const isListable = `octet_length(e.path) <= 65535 and substring(e.path from 1 for 1) <> '\\x00'`;

const isUnjournaled = `v.journal is null and v.outcome is not null and v.outcome <> 'cancelled' and ${isListable}`;

/** Rows of `unlisted` with the versions they tell of, of which some may be listed by now. */
const waiting = `unlisted u cross join lateral unnest(u.version_ids) with ordinality as w(id, place)
  join versions v on v.id = w.id join entries e on e.id = v.entry_id`;

/** How far the manifests are behind the catalog, one row per source. */
export async function journalLags(catalog: Catalog): Promise<JournalLag[]> {
  return catalog.rows<JournalLag>(
    `select s.id as "sourceId", s.name as source, coalesce(l.versions, 0)::int as versions,
            greatest(0, coalesce(extract(epoch from now() - l.oldest), 0))::float8 as "oldestSeconds"
     from sources s left join (
       select u.source_id, count(distinct v.id) as versions, min(v.settled_at) as oldest
       from ${waiting} where ${isUnjournaled} group by u.source_id
     ) l on l.source_id = s.id order by s.name`,
  );
}

/** The latest end of a lock that a version of the source rests on; undefined where none rests on an object. */
export async function latestRetention(catalog: Catalog, sourceId: Id): Promise<Date | undefined> {
  const [row] = await catalog.rows<{ latest: Date | null }>(
    `select max(o.retain_until) as latest from objects o join placements pl on pl.object_id = o.id
     join versions v on v.id = pl.version_id join entries e on e.id = v.entry_id
     where e.source_id = $1 and o.state = 'live' and pl.state = 'committed'`,
    [sourceId],
  );
  return row?.latest ?? undefined;
}

/** To the millisecond, cut off: by the end that a manifest gives a version it is recognised when it is marked as listed. */
const manifestTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const isPlaced = (version: string): string => `exists (
  select 1 from placements pl join objects o on o.id = pl.object_id
  where pl.version_id = ${version}.id and pl.state = 'committed' and o.state = 'live')`;

/**
 * Whether the version expired and the sealed file that was made for it is still there: without a row that tells of it, a
 * recovery would take it for a version that no manifest lists yet.
 */
const isLeftBehind = (version: string): string => `exists (
  select 1 from placements pl join objects o on o.id = pl.object_id and o.state <> 'deleted'
    cross join lateral sealed_file_at(o.id, pl.byte_offset) f join sealings s on s.id = f.sealing_id
  where pl.version_id = ${version}.id and pl.state = 'deleted' and s.version_id = ${version}.id)`;

const isProtected = (version: string): string => `(
  (${version}.kind in ('dir', 'link') and ${version}.outcome = 'uploaded')
  or (${version}.kind = 'file' and ${version}.outcome in ${storedOutcomes} and ${isPlaced(version)}))`;

/** A pass over a source `$1` from after a place `$2`, `$3` on; what it asks for is `v`, and its own place `a`, `b`. */
const passes: Readonly<Record<Pass, string>> = {
  unjournaled: `select v.id, u.number::text as a, w.place::text as b, v.xattrs is not null as "isLong"
    from ${waiting}
    where u.source_id = $1 and (u.number, w.place) > ($2::bigint, $3::bigint) and ${isUnjournaled}
    order by u.number, w.place`,
  live: `select v.id, v.entry_id as a, v.observation::text as b, v.xattrs is not null as "isLong"
    from versions v join entries e on e.id = v.entry_id
    where e.source_id = $1 and (v.entry_id, v.observation) > ($2, $3::bigint)
      and v.outcome is not null and v.outcome <> 'cancelled' and ${isListable}
      and (v.id = e.head_version_id
        or v.observation = (select max(p.observation) from versions p where p.entry_id = v.entry_id and ${isProtected('p')})
        or ${isPlaced('v')} or ${isLeftBehind('v')})
      -- A deletion is told for a while also where no object is left, so that no older manifest brings the entry back.
      and not exists (
        select 1 from versions h where h.id = e.head_version_id and h.outcome = 'deleted'
          and h.settled_at < now() - interval '90 days'
          and not exists (select 1 from versions w where w.entry_id = e.id and (${isPlaced('w')} or ${isLeftBehind('w')})))
    order by v.entry_id, v.observation`,
};

/** Sorts before every version. */
const beginnings: Readonly<Record<Pass, Cursor>> = { unjournaled: ['-1', '-1'], live: ['', '-1'] };

/** The next versions of a pass over a source, at most `limit`, each once: as they were settled, or by entry and observation. */
export async function versionsToList(
  catalog: Catalog,
  o: {
    readonly sourceId: Id;
    readonly pass: Pass;
    /** Undefined: from the beginning. */
    readonly from: Cursor | undefined;
    readonly limit: number;
  },
): Promise<PassedVersion[]> {
  const rows = await catalog.rows<{ id: Id; a: string; b: string; isLong: boolean }>(
    `${passes[o.pass]} limit $4`,
    [o.sourceId, ...(o.from ?? beginnings[o.pass]), o.limit],
  );
  // One that was settled twice meanwhile waits twice.
  const passed = new Map<Id, PassedVersion>();
  for (const { id, a, b, isLong } of rows)
    if (!passed.has(id)) passed.set(id, { id, cursor: [a, b], isLong });
  return [...passed.values()];
}

/** Forgets what has waited to be listed and is. */
export async function forgetListed(catalog: Catalog, sourceId: Id): Promise<void> {
  await catalog.rows(
    `delete from unlisted u where u.source_id = $1 and not exists (
       select from unnest(u.version_ids) as w(id) join versions v on v.id = w.id where v.journal is null)`,
    [sourceId],
  );
}

/** What a manifest says of versions, in the order of their ids given. */
export async function listedVersions(
  catalog: Catalog,
  versionIds: readonly Id[],
  nameOf: ObjectNaming,
): Promise<ListedVersion[]> {
  const rows = await catalog.rows<Row>(
    `select ${columns}
     from unnest($1::text[]) with ordinality as asked(id, place)
     join versions v on v.id = asked.id join entries e on e.id = v.entry_id
     left join contents c on c.sha512 = v.sha512 left join scans sc on sc.id = v.scan_id
     order by asked.place`,
    [versionIds],
  );
  const stored = rows.filter(({ sha512 }) => sha512 !== null).map(({ version }) => version);
  const placed = stored.length === 0 ? [] : await catalog.rows<PlacedRow>(placements, [stored]);
  const byVersion = Map.groupBy(placed, ({ version }) => version);
  return rows.map((row) => listedVersion(row, byVersion.get(row.version) ?? [], nameOf));
}

const scope = `case when v.kind <> 'file' then 'default' else coalesce(v.admission ->> 'scope', (
  select p.admission ->> 'scope' from versions p
  where p.entry_id = v.entry_id and p.observation < v.observation and p.kind = 'file' and p.outcome in ('uploaded', 'duplicate')
  order by p.observation desc limit 1), 'default') end`;

// Members here, and columns below, are in the order that a manifest has them in: none of its rows has to be put in order.
/** Joined here, and not by `sealed_file_at`: this is read for every version that is ever written. */
const placements = `
  select pl.version_id as version, pl.destination, o.key as object, o.s3_version_id as "s3VersionId",
    pl.byte_offset as "offset", coalesce(m.length, o.length) as length, o.format, s.key_id as key, s.generation, s.iv,
    s.version_id as "madeFor", coalesce(m.sha256, o.sealed_sha256) as "sealedSha256", o.lock_mode as "lockMode",
    o.retain_until as "retainUntil"
  from placements pl join objects o on o.id = pl.object_id
    -- By pack and place, whatever the statistics say: a pack's members, one by one, are hundreds for each of them.
    left join lateral (
      select * from pack_members where pack_id = o.pack_id and byte_offset = pl.byte_offset limit 1) m on true
    join sealings s on s.id = coalesce(o.sealing_id, m.sealing_id)
  where pl.version_id = any($1) and pl.state = 'committed'
    and not exists (select from lost_members l where l.object_id = o.id and l.byte_offset = pl.byte_offset and o.pack_id is not null)
  order by pl.version_id, pl.destination`;

const columns = `v.entry_id as entry, e.path, v.id as version, v.observation, v.kind, v.outcome, v.reason,
  v.size_bytes as size, v.mode, v.uid, v.gid, v.mtime_ns::text as "mtimeNs", v.link_target as "linkTarget", v.hardlink,
  v.xattrs, v.xattrs_dropped as "xattrsDropped", v.sha512, c.sha256,
  c.media_type as "mediaType", v.admission -> 'retention' ->> 'class' as class,
  v.admission ->> 'classification' as classification, v.bundle_revision as bundle, v.run_id as run,
  ${manifestTime('v.observed_at')} as "observedAt", ${manifestTime('v.settled_at')} as "settledAt",
  sc.state, sc.reason as "scanReason", sc.signature, sc.engine, sc.signature_revision as "signatureRevision",
  sc.signatures_at as "signaturesAt", sc.signature_set as "signatureSet", ${scope} as scope`;

type Verdict = NonNullable<ManifestRow['verdict']>;

/** As the query gives it: what is not there is null, bytes are not encoded yet. */
type Row = Omit<ManifestRow, 'path' | 'linkTarget' | 'placements' | 'verdict' | 'sha512' | 'sha256'> & {
  readonly path: Buffer;
  readonly linkTarget: Buffer | null;
  readonly sha512: Buffer | null;
  readonly sha256: Buffer | null;
  readonly scope: string;
} & {
  // Of its scan: all null where there is none.
  readonly state: Verdict['state'] | null;
  readonly scanReason: string | null;
  readonly signature: string | null;
  readonly engine: string | null;
  readonly signatureRevision: string | null;
  readonly signaturesAt: Date | null;
  readonly signatureSet: Verdict['signatureSet'] | null;
};

/** Objects have their whole keys. */
type PlacedRow = Omit<ManifestPlacement, 'iv' | 'sealedSha256' | 'retainUntil'> & {
  readonly version: Id;
  readonly iv: Buffer;
  readonly sealedSha256: Buffer | null;
  readonly retainUntil: Date;
};

function listedVersion(found: Row, placed: readonly PlacedRow[], nameOf: ObjectNaming): ListedVersion {
  const {
    scope,
    state,
    scanReason,
    signature,
    engine,
    signatureRevision,
    signaturesAt,
    signatureSet,
    ...row
  } = found;
  const verdict =
    state === null || signaturesAt === null
      ? undefined
      : withoutNulls({
          ...{ state, reason: scanReason, signature, engine, signatureRevision },
          ...{ signaturesAt: signaturesAt.toISOString(), signatureSet },
        });
  const told = {
    ...row,
    path: row.path.toString('base64url'),
    linkTarget: row.linkTarget?.toString('base64url'),
    sha512: row.sha512?.toString('hex'),
    sha256: row.sha256?.toString('hex'),
    verdict,
    placements: placed.length === 0 ? undefined : placed.map((where) => listedPlacement(where, nameOf)),
  };
  return { row: withoutNulls(told) as unknown as ManifestRow, scope };
}

function listedPlacement({ version: _, ...where }: PlacedRow, nameOf: ObjectNaming): object {
  return withoutNulls({
    ...where,
    object: nameOf(where.destination, where.object),
    iv: where.iv.toString('hex'),
    sealedSha256: where.sealedSha256?.toString('hex'),
    retainUntil: where.retainUntil.toISOString(),
  });
}

function withoutNulls(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
}
