import type { Id, Lock, SealedFormat } from '../domain/records.ts';
import type { Catalog, OpenIntent } from './catalog.ts';
import type { ManifestRecord } from './manifest-table.ts';
import type { IntentRow } from './rows.ts';
import { storedOutcomes } from './selected-entries.ts';

/** A version whose copy in a destination is planned, and why it is not there yet. */
export interface PlannedCopy {
  readonly versionId: Id;
  readonly reason: string;
}

/** What `replicate` planned names where the copy should come from. */
const fromReason = 'replicate:';

/** The destination that a planned copy should come from, if one was named. */
export const sourceNamed = ({ reason }: PlannedCopy): string | undefined =>
  reason.startsWith(fromReason) ? reason.slice(fromReason.length) : undefined;

const isSettled = `v.outcome in ${storedOutcomes}`;
const isStored = (destination: string): string => `exists (
  select 1 from placements s join objects o on o.id = s.object_id
  where s.version_id = v.id and s.destination ${destination} and s.state = 'committed' and o.state = 'live')`;

/** A copy that could not be made is tried again after so long. */
const isDue = `(p.tried_at is null or p.tried_at < now() - interval '10 minutes')`;

/** Copies that are due and have something to be made of, oldest first. */
export async function plannedCopies(
  catalog: Catalog,
  destination: string,
  limit: number,
): Promise<PlannedCopy[]> {
  return catalog.rows<PlannedCopy>(
    `select p.version_id as "versionId", coalesce(p.reason, '') as reason
     from placements p join versions v on v.id = p.version_id
     where p.destination = $1 and p.state = 'planned' and ${isDue} and ${isSettled} and ${isStored('<> $1')}
     order by p.at, p.version_id limit $2`,
    [destination, limit],
  );
}

/** Destinations for which something waits to be copied. */
export async function destinationsToFill(catalog: Catalog): Promise<string[]> {
  const rows = await catalog.rows<{ destination: string }>(
    `select distinct m.destination from manifests m where m.state = 'missing' and exists (
       select 1 from manifests f where f.source_id = m.source_id and f.number = m.number and f.state = 'committed')
     union
     select d.destination from (select distinct destination from placements where state = 'planned') d
     where exists (select 1 from placements p join versions v on v.id = p.version_id
       where p.destination = d.destination and p.state = 'planned' and ${isDue} and ${isSettled} and ${isStored('<> p.destination')})`,
  );
  return rows.map(({ destination }) => destination);
}

/** How many copies are planned, for each of the destinations. */
export async function plannedCounts(
  catalog: Catalog,
  destinations: readonly string[],
): Promise<{ destination: string; planned: number }[]> {
  return catalog.rows(
    `select d.name as destination, (select count(*) from placements p where p.destination = d.name and p.state = 'planned')
       as planned from unnest($1::text[]) as d(name)`,
    [destinations],
  );
}

/** Notes that a copy could not be made now. */
export async function deferCopy(catalog: Catalog, versionId: Id, destination: string): Promise<void> {
  await catalog.rows(
    `update placements set tried_at = now() where version_id = $1 and destination = $2 and state = 'planned'`,
    [versionId, destination],
  );
}

/** Where a version's sealed file lies already, and what it is. */
export interface CopySource {
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  /** Of the sealed file inside the object. Bytes. */
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  readonly lock: Lock;
  readonly sealingId: Id;
  readonly keyId: Id;
  readonly generation: number;
  readonly iv: Buffer;
  /** Of the sealed bytes, where the catalog knows it. */
  readonly sealedSha256?: Buffer;
  /** In what parts it was sent; undefined where it went whole, or nobody knows. Bytes. */
  readonly partSize?: number;
  /** What it was made for, as its own metadata says. */
  readonly madeFor: { readonly versionId: Id; readonly entryId: Id; readonly path: Buffer };
}

/** All places of a version's content outside of a destination, the named one first. */
export async function copySources(
  catalog: Catalog,
  versionId: Id,
  to: string,
  from: string | undefined,
): Promise<CopySource[]> {
  const rows = await catalog.rows<SourceRow>(
    `select p.destination, o.key, o.s3_version_id as "s3VersionId", f.byte_offset as offset, f.length, o.format,
            o.lock_mode as mode, o.retain_until as "retainUntil", f.sealing_id as "sealingId", s.key_id as "keyId",
            s.generation, s.iv, f.sealed_sha256 as "sealedSha256", i.part_size as "partSize",
            s.version_id as "madeForVersion", m.entry_id as "madeForEntry", e.path
     from placements p join objects o on o.id = p.object_id
       cross join lateral sealed_file_at(p.object_id, p.byte_offset) f
       join sealings s on s.id = f.sealing_id join versions m on m.id = s.version_id join entries e on e.id = m.entry_id
       left join intents i on i.sealing_id = f.sealing_id and i.destination = p.destination
     where p.version_id = $1 and p.destination <> $2 and p.state = 'committed' and o.state = 'live'
     order by p.destination = $3 desc, coalesce(o.check_result, 'ok') = 'ok' desc, p.destination`,
    [versionId, to, from ?? null],
  );
  return rows.map(
    ({ mode, retainUntil, sealedSha256, partSize, madeForVersion, madeForEntry, path, ...row }) => ({
      ...row,
      lock: { mode, retainUntil },
      madeFor: { versionId: madeForVersion, entryId: madeForEntry, path },
      ...(sealedSha256 === null ? {} : { sealedSha256 }),
      ...(partSize === null ? {} : { partSize }),
    }),
  );
}

type SourceRow = Omit<CopySource, 'lock' | 'sealedSha256' | 'partSize' | 'madeFor'> & {
  readonly mode: Lock['mode'];
  readonly retainUntil: Date;
  readonly sealedSha256: Buffer | null;
  readonly partSize: number | null;
  readonly madeForVersion: Id;
  readonly madeForEntry: Id;
  readonly path: Buffer;
};

/** A pack that can be copied whole: a copy of everything in it is planned. */
export interface PackSource {
  readonly packId: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  readonly length: number;
  readonly sha256: Buffer;
  readonly lock: Lock;
}

/** Packs due for a destination, one place of each; none that was looked at before. */
export async function packsToCopy(
  catalog: Catalog,
  to: string,
  not: readonly Id[],
  limit: number,
): Promise<PackSource[]> {
  const rows = await catalog.rows<Omit<PackSource, 'lock'> & { mode: Lock['mode']; retainUntil: Date }>(
    `with due as (
       select distinct o.pack_id from placements p join versions v on v.id = p.version_id
         join placements s on s.version_id = v.id and s.destination <> $1 and s.state = 'committed'
         join objects o on o.id = s.object_id and o.state = 'live'
       where p.destination = $1 and p.state = 'planned' and ${isDue} and ${isSettled} and o.pack_id is not null
         and o.pack_id <> all($2)
         and not exists (select 1 from objects t where t.pack_id = o.pack_id and t.destination = $1 and t.state = 'live')
         and not exists (
           select 1 from pack_members m join sealings x on x.id = m.sealing_id
             left join placements h on h.version_id = x.version_id and h.destination = $1
           where m.pack_id = o.pack_id and h.state is distinct from 'planned')
       limit $3
     )
     select distinct on (o.pack_id) o.pack_id as "packId", o.destination, o.key, o.s3_version_id as "s3VersionId", o.length,
            i.sealed_sha256 as sha256, o.lock_mode as mode, o.retain_until as "retainUntil"
     from due join objects o on o.pack_id = due.pack_id and o.state = 'live' and o.destination <> $1
       join intents i on i.pack_id = o.pack_id and i.destination = o.destination and i.sealed_sha256 is not null
     order by o.pack_id, coalesce(o.check_result, 'ok') = 'ok' desc, o.destination`,
    [to, not, limit],
  );
  return rows.map(({ mode, retainUntil, ...row }) => ({ ...row, lock: { mode, retainUntil } }));
}

/** One sealed file of a pack, and the version it was made for. */
export interface PackedSealing {
  readonly versionId: Id;
  readonly keyId: Id;
  readonly offset: number;
  readonly length: number;
}

export async function packedSealings(catalog: Catalog, packId: Id): Promise<PackedSealing[]> {
  return catalog.rows<PackedSealing>(
    `select s.version_id as "versionId", s.key_id as "keyId", m.byte_offset as offset, m.length
     from pack_members m join sealings s on s.id = m.sealing_id where m.pack_id = $1 order by m.position`,
    [packId],
  );
}

/** Like {@link openCopyIntent} for a pack. False where it is committed. */
export async function openPackCopyIntent(catalog: Catalog, intent: IntentRow): Promise<boolean> {
  const { id, packId, destination, objectKey, sealedLength, sealedSha256, lockMode, lockDays } = intent;
  const rows = await catalog.rows(
    `insert into intents (id, pack_id, destination, object_key, state, sealed_length, sealed_sha256, lock_mode, lock_days, copies)
     values ($1, $2, $3, $4, 'open', $5, $6, $7, $8, true)
     on conflict (id) do update set state = 'open', copies = true, lock_mode = excluded.lock_mode,
       lock_days = excluded.lock_days, opened_at = now(), closed_at = null, closed_reason = null
     where intents.state <> 'committed' returning id`,
    [id, packId, destination, objectKey, sealedLength, sealedSha256, lockMode, lockDays],
  );
  return rows.length > 0;
}

/**
 * Opens the intent to copy a sealed file, or goes on with the one that is open. One that was given up opens again: what
 * goes out under it are the very bytes that the sealing has made already. Undefined where its object is there.
 */
export async function openCopyIntent(catalog: Catalog, intent: OpenIntent): Promise<OpenIntent | undefined> {
  const { id, sealingId, destination, objectKey, sealedLength, sealedSha256, lockMode, lockDays, partSize } =
    intent;
  const [row] = await catalog.rows<{ uploadId: string | null; partSize: number | null }>(
    `with cleared as (
       delete from intent_parts where intent_id = (select id from intents where id = $1 and state <> 'open')
     )
     insert into intents (id, sealing_id, destination, object_key, state, sealed_length, sealed_sha256, lock_mode, lock_days,
       part_size, copies)
     values ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, true)
     on conflict (id) do update set state = 'open', copies = true, lock_mode = excluded.lock_mode,
       lock_days = excluded.lock_days, sealed_length = excluded.sealed_length, sealed_sha256 = excluded.sealed_sha256,
       upload_id = case when intents.state = 'open' then intents.upload_id end,
       part_size = case when intents.state = 'open' then intents.part_size else excluded.part_size end,
       opened_at = now(), closed_at = null, closed_reason = null
     where intents.state <> 'committed' or not exists (
       select 1 from objects o where o.sealing_id = intents.sealing_id and o.destination = intents.destination and o.state = 'live')
     returning upload_id as "uploadId", part_size as "partSize"`,
    [id, sealingId, destination, objectKey, sealedLength, sealedSha256, lockMode, lockDays, partSize],
  );
  return row === undefined ? undefined : { ...intent, ...row };
}

/** What has no copy in a destination. */
export interface MissingCopies {
  readonly destination: string;
  /** Versions whose copy is planned: made as soon as the destination answers. */
  readonly planned: number;
  /** Bytes of their sealed files. */
  readonly plannedBytes: number;
  /** When the oldest of them was planned. */
  readonly oldestAt: Date | null;
  /** Versions that lie elsewhere and were never meant to be here: `replicate` plans them. */
  readonly never: number;
  readonly manifests: number;
}

/** By destination, in the order given. */
export async function missingCopies(
  catalog: Catalog,
  destinations: readonly string[],
): Promise<MissingCopies[]> {
  return catalog.rows<MissingCopies>(
    `select d.name as destination, l.planned, l."plannedBytes", l."oldestAt", n.never,
            (select count(*) from manifests m where m.destination = d.name and m.state = 'missing') as manifests
     from unnest($1::text[]) with ordinality as d(name, place),
     lateral (
       select count(*) as planned, min(p.at) as "oldestAt", coalesce(sum((
           select max(s.length) from placements s where s.version_id = p.version_id and s.state = 'committed')), 0)::bigint
         as "plannedBytes"
       from placements p join versions v on v.id = p.version_id
       where p.destination = d.name and p.state = 'planned' and v.outcome is not null and v.outcome <> 'cancelled'
     ) l,
     lateral (
       select count(distinct s.version_id) as never from placements s join objects o on o.id = s.object_id
       where s.destination <> d.name and s.state = 'committed' and o.state = 'live'
         and not exists (select 1 from placements h where h.version_id = s.version_id and h.destination = d.name)
     ) n
     order by d.place`,
    [destinations],
  );
}

/** What `replicate` would copy. */
export interface CopyPlan {
  readonly versions: number;
  /** Bytes of their sealed files. */
  readonly bytes: number;
}

const copyable = `from placements p join objects o on o.id = p.object_id join versions v on v.id = p.version_id
    join entries e on e.id = v.entry_id
  where p.destination = $1 and p.state = 'committed' and o.state = 'live' and ${isSettled}
    and ($3::text is null or e.source_id = $3)
    and not exists (select 1 from placements h where h.version_id = v.id and h.destination = $2 and h.state <> 'denied')`;

export interface CopyRequest {
  readonly from: string;
  readonly to: string;
  /** Undefined: all of them. */
  readonly sourceId: Id | undefined;
}

/** What lies in one destination, is not in the other, and has not been planned. */
export async function copiesToPlan(catalog: Catalog, { from, to, sourceId }: CopyRequest): Promise<CopyPlan> {
  const [row] = await catalog.rows<CopyPlan>(
    `select count(*) as versions, coalesce(sum(p.length), 0)::bigint as bytes ${copyable}`,
    [from, to, sourceId ?? null],
  );
  return row ?? { versions: 0, bytes: 0 };
}

const planPage = 5_000;

/** Plans them, page by page; what was denied is asked once more. Gives how many. */
export async function planCopies(
  catalog: Catalog,
  { from, to, sourceId }: CopyRequest,
  onProgress: (planned: number) => void,
): Promise<number> {
  let planned = 0;
  for (let after = ''; ; ) {
    const rows = await catalog.rows<{ versionId: Id }>(
      `insert into placements (version_id, destination, state, reason)
       select v.id, $2, 'planned', '${fromReason}' || $1::text ${copyable} and v.id > $4 order by v.id limit ${planPage}
       on conflict (version_id, destination) do update set state = 'planned', reason = excluded.reason, at = now()
         where placements.state = 'denied'
       returning version_id as "versionId"`,
      [from, to, sourceId ?? null, after],
    );
    if (rows.length === 0) return planned;
    planned += rows.length;
    onProgress(planned);
    after =
      rows
        .map(({ versionId }) => versionId)
        .sort()
        .at(-1) ?? after;
  }
}

/** How far copying is since a moment. */
export interface CopyProgress {
  /** Planned and not tried since. */
  readonly waiting: number;
  /** Bytes of their sealed files. */
  readonly waitingBytes: number;
  /** Tried since, in vain. */
  readonly failed: number;
  readonly copied: number;
  readonly denied: number;
  readonly manifests: number;
}

export async function copyProgress(
  catalog: Catalog,
  destination: string,
  since: Date,
): Promise<CopyProgress> {
  const [row] = await catalog.rows<CopyProgress>(
    `select count(*) filter (where isWaiting) as waiting, count(*) filter (where state = 'planned' and not isWaiting) as failed,
            count(*) filter (where state = 'committed') as copied, count(*) filter (where state = 'denied') as denied,
            coalesce(sum(bytes) filter (where isWaiting), 0)::bigint as "waitingBytes",
            (select count(*) from manifests where destination = $1 and state = 'missing') as manifests
     from (
       select p.state, p.state = 'planned' and (p.tried_at is null or p.tried_at < $2) as isWaiting,
              case when p.state = 'planned' then (
                select max(s.length) from placements s where s.version_id = p.version_id and s.state = 'committed') end as bytes
       from placements p join versions v on v.id = p.version_id
       where p.destination = $1 and (p.state = 'planned' and ${isSettled} or p.state in ('committed', 'denied') and p.at >= $2)
     ) counted`,
    [destination, since],
  );
  if (row === undefined) throw new TypeError('a count without a row');
  return row;
}

/** The catalog's clock. */
export async function catalogNow(catalog: Catalog): Promise<Date> {
  const [row] = await catalog.rows<{ now: Date }>('select now() as now');
  if (row === undefined) throw new TypeError('a clock without a row');
  return row.now;
}

/** Plans copies of manifests; what was planned before stays. */
export async function planManifests(catalog: Catalog, records: readonly ManifestRecord[]): Promise<void> {
  for (const record of records) {
    await catalog.rows(
      `insert into manifests (source_id, number, destination, kind, state, object_key, length, sha256, previous_sha256,
         row_count, is_last_part, lock_mode)
       values ($1, $2, $3, $4, 'missing', $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
      [
        record.sourceId,
        record.number,
        record.destination,
        record.kind,
        record.objectKey,
        record.length,
        record.sha256,
        record.previousSha256,
        record.rowCount,
        record.isLastPart,
        record.lockMode,
      ],
    );
  }
}

/** Manifests of a destination that another one lacks and nobody planned to copy. */
export async function manifestsToPlan(
  catalog: Catalog,
  { from, to, sourceId }: CopyRequest,
): Promise<ManifestRecord[]> {
  return catalog.rows<ManifestRecord>(
    `select ${manifestColumns} from manifests m
     where m.destination = $1 and m.state = 'committed' and ($3::text is null or m.source_id = $3)
       and not exists (select 1 from manifests h
         where h.source_id = m.source_id and h.number = m.number and h.destination = $2)
     order by m.source_id, m.number`,
    [from, to, sourceId ?? null],
  );
}

const manifestColumns = `m.source_id as "sourceId", m.number, m.destination, m.kind, m.is_last_part as "isLastPart",
  m.object_key as "objectKey", m.length, m.sha256, m.previous_sha256 as "previousSha256", m.row_count as "rowCount",
  m.lock_mode as "lockMode"`;

/** A manifest that a destination lacks, and where it lies. */
export interface MissingManifest extends ManifestRecord {
  readonly fromDestination: string;
  readonly fromKey: string;
  readonly fromVersionId: string;
  readonly fromRetainUntil: Date;
}

export async function missingManifests(
  catalog: Catalog,
  destination: string,
  limit: number,
): Promise<MissingManifest[]> {
  return catalog.rows<MissingManifest>(
    `select ${manifestColumns}, f.destination as "fromDestination", f.object_key as "fromKey",
            f.s3_version_id as "fromVersionId", f.retain_until as "fromRetainUntil"
     from manifests m, lateral (
       select * from manifests f where f.source_id = m.source_id and f.number = m.number and f.state = 'committed'
       order by f.destination limit 1) f
     where m.destination = $1 and m.state = 'missing' order by m.source_id, m.number limit $2`,
    [destination, limit],
  );
}
