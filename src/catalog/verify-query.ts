import type { Id, Lock } from '../domain/records.ts';
import type { SealedFormat } from '../manifest/records.ts';
import type { StoredChecksum } from '../storage/object-store.ts';
import type { Catalog } from './catalog.ts';

/** What one look at an object or manifest found. */
export type CheckResult = 'ok' | 'missing' | 'lock_mismatch' | 'tampered' | 'unreadable';

/** The part of a source that is looked at: a path with everything below it, the empty one for the whole source. */
export interface CheckScope {
  readonly sourceId: Id;
  readonly path: Buffer;
}

/** What the catalog promises of an object version. */
export interface PromisedObject {
  readonly id: Id;
  readonly key: string;
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  /** What the server must have for it; unknown where the catalog was rebuilt from the bucket. */
  readonly checksum?: StoredChecksum;
  readonly lock: Lock;
  readonly format: SealedFormat;
  /** Of the one sealed file, or of the first member of the pack. */
  readonly keyId: Id;
  readonly scope: string;
  /** The one sealed file that lies in it, or the pack, whose members {@link packMembers} gives. */
  readonly holds: (PromisedFile & { readonly kind: 'file' }) | { readonly kind: 'pack'; readonly packId: Id };
}

/** What the catalog promises of a sealed file in an object. */
export interface PromisedFile {
  readonly sealingId: Id;
  readonly keyId: Id;
  /** In the object, bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** Of the content. */
  readonly sha512: Buffer;
  readonly sizeBytes: number;
  /** Of the sealed bytes; always there for openpgp. */
  readonly sealedSha256?: Buffer;
  /** What it was made for, as its own metadata says. */
  readonly madeFor: { readonly versionId: Id; readonly entryId: Id; readonly path: Buffer };
}

/** Which were looked at, or read, longest ago. */
export type CheckOrder = 'checked_at' | 'read_at';

/** Live objects of a destination ($1), of all entries ($2 null) or those of a scope ($2, $3). */
const liveObjects = `objects o where o.destination = $1 and o.state = 'live' and ($2::text is null or exists (
  select 1 from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
  where p.object_id = o.id and p.state = 'committed' and e.source_id = $2
    and ($3::bytea = '' or e.path = $3 or (e.path > $3 || '/'::bytea and e.path < $3 || '0'::bytea))))`;

const scopeValues = (scope: CheckScope | undefined): [Id | null, Buffer] => [
  scope?.sourceId ?? null,
  scope?.path ?? Buffer.alloc(0),
];

export interface Coverage {
  readonly live: number;
  /** Bytes of their objects. */
  readonly bytes: number;
  /** Looked at since the moment asked about. */
  readonly checkedSince: number;
  readonly readSince: number;
  readonly neverChecked: number;
  readonly neverRead: number;
  /** When the one was looked at, or read, that was so longest ago; null where one never was. */
  readonly oldestCheck: Date | null;
  readonly oldestRead: Date | null;
}

export async function coverage(
  catalog: Catalog,
  destination: string,
  since: Date,
  scope?: CheckScope,
): Promise<Coverage> {
  const [row] = await catalog.rows<Coverage>(
    `select count(*) as live, coalesce(sum(length), 0)::bigint as bytes,
            count(*) filter (where checked_at >= $4) as "checkedSince",
            count(*) filter (where read_at >= $4) as "readSince",
            count(*) filter (where checked_at is null) as "neverChecked",
            count(*) filter (where read_at is null) as "neverRead",
            case when bool_or(checked_at is null) then null else min(checked_at) end as "oldestCheck",
            case when bool_or(read_at is null) then null else min(read_at) end as "oldestRead"
     from ${liveObjects}`,
    [destination, ...scopeValues(scope), since],
  );
  return row as Coverage;
}

/** At most `limit` live objects that were not looked at (or read) since `before`, those of longest ago first. */
export async function objectsToCheck(
  catalog: Catalog,
  destination: string,
  page: { readonly order: CheckOrder; readonly before: Date; readonly limit: number },
  scope?: CheckScope,
): Promise<PromisedObject[]> {
  const rows = await catalog.rows<PromisedRow>(
    `with due as (
       select o.id from ${liveObjects} and (o.${page.order} is null or o.${page.order} < $4)
       order by o.${page.order} nulls first, o.id limit $5
     ) ${promised} from due join objects o on o.id = due.id ${promisedJoins} order by o.${page.order} nulls first, o.id`,
    [destination, ...scopeValues(scope), page.before, page.limit],
  );
  return rows.map(promisedObject);
}

/** The same object as the catalog has it now; undefined once nothing may rest on it any more. */
export async function promisedAgain(catalog: Catalog, id: Id): Promise<PromisedObject | undefined> {
  const [row] = await catalog.rows<PromisedRow>(
    `${promised} from objects o ${promisedJoins} where o.id = $1 and o.state = 'live'`,
    [id],
  );
  return row === undefined ? undefined : promisedObject(row);
}

/** Live objects in other destinations that hold the very same sealed bytes and that a version of the object rests on too. */
export async function sameSealedElsewhere(
  catalog: Catalog,
  id: Id,
): Promise<(PromisedObject & { readonly destination: string })[]> {
  const rows = await catalog.rows<PromisedRow & { readonly destination: string }>(
    `${promised}, o.destination from objects lost
     join objects o on (o.sealing_id = lost.sealing_id or o.pack_id = lost.pack_id)
       and o.destination <> lost.destination and o.state = 'live' ${promisedJoins}
     where lost.id = $1 and o.check_result is distinct from 'tampered' order by o.destination`,
    [id],
  );
  return rows.map((row) => ({ ...promisedObject(row), destination: row.destination }));
}

/** The members of a pack that something may rest on in that object, in the order they lie in. */
export async function packMembers(catalog: Catalog, objectId: Id): Promise<PromisedFile[]> {
  const rows = await catalog.rows<FileColumns>(
    `select ${fileColumns} from sealed_files f ${fileJoins} where f.object_id = $1 order by f.byte_offset`,
    [objectId],
  );
  return rows.map(promisedFile);
}

/** How many members of a pack were given up in that object. */
export async function lostMembers(catalog: Catalog, objectId: Id): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    'select count(*)::int as count from lost_members where object_id = $1',
    [objectId],
  );
  return row?.count ?? 0;
}

/** Lengths of the parts an object was sent in, in order; none where it went in one PUT, or nobody knows. */
export async function partLengths(catalog: Catalog, sealingId: Id, destination: string): Promise<number[]> {
  const rows = await catalog.rows<{ length: number }>(
    `select p.length from intents i join intent_parts p on p.intent_id = i.id
     where i.sealing_id = $1 and i.destination = $2 order by p.part_number`,
    [sealingId, destination],
  );
  return rows.map((row) => row.length);
}

export interface Checked {
  readonly objectId: Id;
  readonly result: CheckResult;
  /** Whether its content was read and hashed. */
  readonly read: boolean;
}

/** Notes what was found, so that the next sample takes others. */
export async function recordChecks(catalog: Catalog, checks: readonly Checked[]): Promise<void> {
  if (checks.length === 0) return;
  await catalog.rows(
    `with r as (select * from jsonb_to_recordset($1) as x("objectId" text, result text, read boolean)),
     due as (select id from objects where id in (select "objectId" from r) and state = 'live' order by id for no key update)
     update objects o set checked_at = now(), read_at = case when r.read then now() else o.read_at end, check_result = r.result
     from r join due on due.id = r."objectId" where o.id = due.id`,
    [JSON.stringify(checks)],
  );
}

/** A version that rests on an object. */
export interface AffectedVersion {
  readonly source: string;
  readonly path: Buffer;
  readonly versionId: Id;
  readonly observedAt: Date;
  /** Whether it is the entry's newest. */
  readonly newest: boolean;
}

/**
 * The versions that rest on an object, newest first, at most `limit` of them; with `offsets` only those that rest on the
 * sealed files there.
 */
export async function restingOn(
  catalog: Catalog,
  objectId: Id,
  limit: number,
  offsets?: readonly number[],
): Promise<AffectedVersion[]> {
  return catalog.rows<AffectedVersion>(
    `select s.name as source, e.path, v.id as "versionId", v.observed_at as "observedAt", e.head_version_id = v.id as newest
     from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
     join sources s on s.id = e.source_id
     where p.object_id = $1 and p.state = 'committed' and ($3::bigint[] is null or p.byte_offset = any($3))
     order by v.observed_at desc, v.id limit $2`,
    [objectId, limit, offsets ?? null],
  );
}

/** What earlier runs found and nothing has put right yet. */
export interface Unsound {
  /** Live objects that were not as promised when they were last looked at. */
  readonly objects: number;
  readonly manifests: number;
  /** Entries whose newest version lost its object and was not uploaded anew. */
  readonly lostEntries: number;
}

export async function unsound(catalog: Catalog): Promise<Unsound> {
  const [row] = await catalog.rows<Unsound>(
    `select (select count(*) from objects o where o.state = 'live' and o.check_result <> 'ok' and not exists (
               select 1 from scope_shreddings s where s.scope = o.scope and s.state <> 'cancelled')) as objects,
            (select count(*) from manifests where state = 'committed' and check_result <> 'ok') as manifests,
            (select count(*) from versions v join entries e on e.head_version_id = v.id
              where v.reason = 'object_lost') as "lostEntries"`,
  );
  return row as Unsound;
}

/** Whether the scope's keys are to go, or gone: then it is no surprise that its content cannot be read. */
export async function isShredded(catalog: Catalog, scope: string): Promise<boolean> {
  const rows = await catalog.rows(
    `select 1 from scope_shreddings where scope = $1 and state <> 'cancelled'`,
    [scope],
  );
  return rows.length > 0;
}

/** Destinations with live objects that are not among the given ones. */
export async function otherDestinations(catalog: Catalog, known: readonly string[]): Promise<string[]> {
  const rows = await catalog.rows<{ destination: string }>(
    `select distinct destination from objects where state = 'live' and destination <> all($1) order by destination`,
    [known],
  );
  return rows.map((row) => row.destination);
}

// ── manifests ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface PromisedManifest {
  readonly sourceId: Id;
  readonly number: number;
  readonly kind: 'journal' | 'checkpoint';
  readonly key: string;
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  readonly sha256: Buffer;
  readonly lock: Lock;
}

/** How many manifests a destination has, of one source or all, and how many were looked at since. */
export async function manifestCoverage(
  catalog: Catalog,
  destination: string,
  since: Date,
  scope?: CheckScope,
): Promise<{ readonly live: number; readonly checkedSince: number }> {
  const [row] = await catalog.rows<{ live: number; checkedSince: number }>(
    `select count(*) as live, count(*) filter (where checked_at >= $3) as "checkedSince"
     from manifests where destination = $1 and state = 'committed' and ($2::text is null or source_id = $2)`,
    [destination, scope?.sourceId ?? null, since],
  );
  return row ?? { live: 0, checkedSince: 0 };
}

/** As {@link objectsToCheck}. */
export async function manifestsToCheck(
  catalog: Catalog,
  destination: string,
  page: { readonly before: Date; readonly limit: number },
  scope?: CheckScope,
): Promise<PromisedManifest[]> {
  const rows = await catalog.rows<
    Omit<PromisedManifest, 'lock'> & { lockMode: Lock['mode']; retainUntil: Date }
  >(
    `select source_id as "sourceId", number, kind, object_key as key, s3_version_id as "s3VersionId", length as "lengthBytes",
            sha256, lock_mode as "lockMode", coalesce(retain_until, created_at) as "retainUntil"
     from manifests where destination = $1 and state = 'committed' and ($2::text is null or source_id = $2)
       and (checked_at is null or checked_at < $3)
     order by checked_at nulls first, source_id, number limit $4`,
    [destination, scope?.sourceId ?? null, page.before, page.limit],
  );
  return rows.map(({ lockMode, retainUntil, ...row }) => ({ ...row, lock: { mode: lockMode, retainUntil } }));
}

/**
 * Notes what was found of a manifest. `relist`: what a journal listed counts as not listed any more, so that the next
 * one lists it.
 */
export async function recordManifestCheck(
  catalog: Catalog,
  destination: string,
  { sourceId, number }: Pick<PromisedManifest, 'sourceId' | 'number'>,
  result: CheckResult,
  relist: boolean,
): Promise<void> {
  await catalog.rows(
    `with noted as (
       update manifests set checked_at = now(), check_result = $4 where source_id = $1 and number = $2 and destination = $3
     )
     update versions v set journal = null from entries e
     where $5 and e.id = v.entry_id and e.source_id = $1 and v.journal = $2`,
    [sourceId, number, destination, result, relist],
  );
}

// ── inventory ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What the catalog knows under names of objects and manifests. */
export interface KnownVersionName {
  readonly key: string;
  readonly s3VersionId: string;
  readonly kind: 'content' | 'manifest';
  /** `given up`: it was found missing or damaged, and nothing rests on it any more. */
  readonly state: 'live' | 'leaving' | 'given up';
  readonly objectId: Id | null;
}

/** Everything the catalog knows under exactly these names. */
export async function knownUnder(
  catalog: Catalog,
  destination: string,
  keys: readonly string[],
): Promise<KnownVersionName[]> {
  return catalog.rows<KnownVersionName>(
    `select key, s3_version_id as "s3VersionId", 'content' as kind,
            case state when 'live' then 'live' when 'deleting' then 'leaving' else 'given up' end as state, id as "objectId"
     from objects where destination = $1 and key = any($2)
     union all
     select object_key, s3_version_id, 'manifest', case state when 'committed' then 'live' else 'given up' end, null
     from manifests where destination = $1 and object_key = any($2) and s3_version_id is not null`,
    [destination, keys],
  );
}

/** Object and manifest versions that count on the bucket, by name, after `after` up to and with `upTo` (null: to the end). */
export async function expectedBetween(
  catalog: Catalog,
  destination: string,
  after: string,
  upTo: string | null,
): Promise<KnownVersionName[]> {
  const between = (column: string): string =>
    `${column} collate "C" > $2 and ($3::text is null or ${column} collate "C" <= $3)`;
  return catalog.rows<KnownVersionName>(
    `select key, s3_version_id as "s3VersionId", 'content' as kind, 'live' as state, id as "objectId"
     from objects where destination = $1 and state = 'live' and ${between('key')}
     union all
     select object_key, s3_version_id, 'manifest', 'live', null
     from manifests where destination = $1 and state = 'committed' and ${between('object_key')}`,
    [destination, after, upTo],
  );
}

/** An object that is about to be made, or was given up before it was recorded. */
export interface KnownIntent {
  readonly key: string;
  readonly isOpen: boolean;
  /** Of the sealed bytes; null where it was not known beforehand. */
  readonly lengthBytes: number | null;
}

/** Intents, and manifests on their way, under these names. */
export async function intentsUnder(
  catalog: Catalog,
  destination: string,
  keys: readonly string[],
): Promise<KnownIntent[]> {
  return catalog.rows<KnownIntent>(
    `select object_key as key, bool_or(state = 'open') as "isOpen", max(length) as "lengthBytes" from (
       select object_key, state, sealed_length as length from intents where destination = $1 and object_key = any($2)
       union all select object_key, state, length from manifests where destination = $1 and object_key = any($2)
     ) announced group by object_key`,
    [destination, keys],
  );
}

/** Names, without prefix, of the keyring documents that this and other machines have recorded. */
export async function recordedKeyDocuments(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rows<{ name: string }>('select distinct object_key as name from keys');
  return rows.map((row) => row.name);
}

/** Ids of the scopes whose key documents are not renewed any more. */
export async function shreddedScopeIds(catalog: Catalog): Promise<Id[]> {
  const rows = await catalog.rows<{ id: Id }>(
    `select scope_id as id from scope_shreddings where state <> 'cancelled'`,
  );
  return rows.map((row) => row.id);
}

// ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

const fileColumns = `f.sealing_id as "sealingId", f.byte_offset as offset, f.length as "fileLength", f.sha512,
  f.sealed_sha256 as "sealedSha256", c.size_bytes as "sizeBytes", s.key_id as "keyId", s.version_id as "madeForVersion",
  e.id as "madeForEntry", e.path`;

const fileJoins = `
  join sealings s on s.id = f.sealing_id join versions v on v.id = s.version_id join entries e on e.id = v.entry_id
  join contents c on c.sha512 = f.sha512`;

interface FileColumns {
  readonly sealingId: Id;
  readonly keyId: Id;
  readonly offset: number;
  readonly fileLength: number;
  readonly sha512: Buffer;
  readonly sizeBytes: number;
  readonly sealedSha256: Buffer | null;
  readonly madeForVersion: Id;
  readonly madeForEntry: Id;
  readonly path: Buffer;
}

function promisedFile(row: FileColumns): PromisedFile {
  const { sealingId, keyId, offset, fileLength: lengthBytes, sha512, sizeBytes, sealedSha256 } = row;
  return {
    ...{ sealingId, keyId, offset, lengthBytes, sha512, sizeBytes },
    madeFor: { versionId: row.madeForVersion, entryId: row.madeForEntry, path: row.path },
    ...(sealedSha256 === null ? {} : { sealedSha256 }),
  };
}

/** Of a pack the columns of the file are those of its first member. */
const promised = `select o.id, o.key, o.s3_version_id as "s3VersionId", o.length as "lengthBytes", o.lock_mode as "lockMode",
  o.retain_until as "retainUntil", o.format, o.scope, o.pack_id as "packId", ${fileColumns},
  coalesce(i.sealed_sha256, o.sealed_sha256) as "wholeSha256", parts.sha256 as "compositeSha256"`;

/** The server's checksum of an object in parts: SHA-256 of its parts' SHA-256, see compositeSha256. */
const promisedJoins = `
  join lateral (select o.sealing_id, 0::bigint as byte_offset, o.length, o.sha512, o.sealed_sha256 where o.pack_id is null
    union all
    (select m.sealing_id, m.byte_offset, m.length, m.sha512, m.sha256 from pack_members m
     where m.pack_id = o.pack_id order by m.byte_offset limit 1)) f on true ${fileJoins}
  left join lateral (select id, sealed_sha256 from intents where sealing_id = o.sealing_id and destination = o.destination
    union all select id, sealed_sha256 from intents where pack_id = o.pack_id and destination = o.destination) i on true
  left join lateral (
    select sha256(string_agg(p.sha256, ''::bytea order by p.part_number)) from intent_parts p where p.intent_id = i.id
  ) parts on true`;

interface PromisedRow extends FileColumns {
  readonly id: Id;
  readonly key: string;
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  readonly lockMode: Lock['mode'];
  readonly retainUntil: Date;
  readonly format: SealedFormat;
  readonly scope: string;
  readonly packId: Id | null;
  readonly wholeSha256: Buffer | null;
  readonly compositeSha256: Buffer | null;
}

function promisedObject(row: PromisedRow): PromisedObject {
  const { id, key, s3VersionId, lengthBytes, format, keyId, scope, packId } = row;
  const checksum = storedChecksum(row);
  return {
    ...{ id, key, s3VersionId, lengthBytes, format, keyId, scope },
    lock: { mode: row.lockMode, retainUntil: row.retainUntil },
    holds: packId === null ? { kind: 'file', ...promisedFile(row) } : { kind: 'pack', packId },
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function storedChecksum({ compositeSha256, wholeSha256 }: PromisedRow): StoredChecksum | undefined {
  if (compositeSha256 !== null) return { kind: 'composite', sha256: compositeSha256 };
  return wholeSha256 === null ? undefined : { kind: 'whole', sha256: wholeSha256 };
}
