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

/** To the millisecond, cut off: the form of a manifest's times, made in one place so that equal times stay equal. */
export const manifestTime = (column: string): string =>
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
  return rows.map((row) => listedVersion(row, nameOf));
}

const scope = `case when v.kind <> 'file' then 'default' else coalesce(v.admission ->> 'scope', (
  select p.admission ->> 'scope' from versions p
  where p.entry_id = v.entry_id and p.observation < v.observation and p.kind = 'file' and p.outcome in ('uploaded', 'duplicate')
  order by p.observation desc limit 1), 'default') end`;

// Members here, and columns below, are in the order that a manifest has them in: none of its rows has to be put in order.
const verdict = `case when sc.id is not null then json_build_object(
  'engine', sc.engine, 'reason', sc.reason, 'signature', sc.signature, 'signatureRevision', sc.signature_revision,
  'signatureSet', sc.signature_set, 'signaturesAt', ${manifestTime('sc.signatures_at')}, 'state', sc.state) end`;

/** Joined here, and not by `sealed_file_at`: this is read for every version that is ever written. */
const placements = `(
  select json_agg(json_build_object(
    'destination', pl.destination, 'format', o.format, 'generation', s.generation, 'iv', encode(s.iv, 'hex'),
    'key', s.key_id, 'length', coalesce(m.length, o.length), 'lockMode', o.lock_mode, 'madeFor', s.version_id,
    'object', o.key, 'offset', pl.byte_offset, 'retainUntil', ${manifestTime('o.retain_until')},
    's3VersionId', o.s3_version_id, 'sealedSha256', encode(coalesce(m.sha256, o.sealed_sha256), 'hex')
  ) order by pl.destination)
  from placements pl join objects o on o.id = pl.object_id
    -- By pack and place, whatever the statistics say: a pack's members, one by one, are hundreds for each of them.
    left join lateral (
      select * from pack_members where pack_id = o.pack_id and byte_offset = pl.byte_offset limit 1) m on true
    join sealings s on s.id = coalesce(o.sealing_id, m.sealing_id)
  where pl.version_id = v.id and pl.state = 'committed'
    and not exists (select from lost_members l where l.object_id = o.id and l.byte_offset = pl.byte_offset and o.pack_id is not null))`;

const columns = `v.bundle_revision as bundle, v.admission -> 'retention' ->> 'class' as class,
  v.admission ->> 'classification' as classification, v.entry_id as entry, v.gid, v.hardlink, v.kind,
  v.link_target as "linkTarget", c.media_type as "mediaType", v.mode, v.mtime_ns::text as "mtimeNs", v.observation,
  ${manifestTime('v.observed_at')} as "observedAt", v.outcome, e.path, ${placements} as placements, v.reason,
  v.run_id as run, ${scope} as scope, ${manifestTime('v.settled_at')} as "settledAt", encode(c.sha256, 'hex') as sha256,
  encode(v.sha512, 'hex') as sha512, v.size_bytes as size, v.uid, ${verdict} as verdict, v.id as version, v.xattrs,
  v.xattrs_dropped as "xattrsDropped"`;

/** As the query gives it: what is not there is null, bytes are not encoded yet, objects have their whole keys. */
type Row = Omit<ManifestRow, 'path' | 'linkTarget' | 'placements'> & {
  readonly path: Buffer;
  readonly linkTarget: Buffer | null;
  readonly placements: readonly ManifestPlacement[] | null;
  readonly scope: string;
};

function listedVersion(found: Row, nameOf: ObjectNaming): ListedVersion {
  const { scope, ...row } = found;
  const told = {
    ...row,
    path: row.path.toString('base64url'),
    linkTarget: row.linkTarget?.toString('base64url'),
    verdict: row.verdict && withoutNulls(row.verdict),
    placements: row.placements?.map((where) =>
      withoutNulls({ ...where, object: nameOf(where.destination, where.object) }),
    ),
  };
  return { row: withoutNulls(told) as unknown as ManifestRow, scope };
}

function withoutNulls(row: object): object {
  const told: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row))
    if (value !== null && value !== undefined) told[name] = value;
  return told;
}
