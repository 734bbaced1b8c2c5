import type { Id, LockMode } from '../domain/records.ts';
import type { ManifestHead } from '../manifest/records.ts';
import type { Catalog } from './catalog.ts';

/** A manifest as the catalog knows it in one destination. */
export interface ManifestRecord {
  readonly sourceId: Id;
  readonly number: number;
  readonly destination: string;
  readonly kind: ManifestHead['kind'];
  readonly isLastPart: boolean;
  /** Whole key, with the destination's prefix. */
  readonly objectKey: string;
  readonly length: number;
  /** Of all its bytes. */
  readonly sha256: Buffer;
  readonly previousSha256: Buffer | null;
  readonly rowCount: number;
  readonly lockMode: LockMode;
}

/** A manifest that is in its destination, read back. */
export interface StoredManifest extends ManifestRecord {
  readonly s3VersionId: string;
  readonly retainUntil: Date;
}

/** What a manifest says of a version, enough to tell whether it still says it. */
export interface ListedState {
  readonly version: Id;
  /** As the manifest's row gives it. */
  readonly settledAt: string;
}

/** Where a source's chain of manifests ends. */
export interface ChainEnd {
  /** Highest number that is taken; 0 for none. */
  readonly number: number;
  /** SHA-256 of the newest manifest; null where there is none. */
  readonly sha256: Buffer | null;
}

export async function chainEnd(catalog: Catalog, sourceId: Id): Promise<ChainEnd> {
  const [row] = await catalog.rows<ChainEnd>(
    `select coalesce(max(number), 0) as number,
            (select sha256 from manifests where source_id = $1 and state = 'committed' order by number desc limit 1) as sha256
     from manifests where source_id = $1 and state in ('committed', 'abandoned')`,
    [sourceId],
  );
  return row ?? { number: 0, sha256: null };
}

/** Manifests that were announced and of which it is not known whether they arrived. */
export async function openManifests(catalog: Catalog, sourceId: Id): Promise<ManifestRecord[]> {
  return catalog.rows<ManifestRecord>(
    `select ${recordColumns} from manifests where source_id = $1 and state = 'open' order by number, destination`,
    [sourceId],
  );
}

const setAll = `kind = excluded.kind, object_key = excluded.object_key, length = excluded.length, sha256 = excluded.sha256,
  previous_sha256 = excluded.previous_sha256, row_count = excluded.row_count, is_last_part = excluded.is_last_part,
  lock_mode = excluded.lock_mode, created_at = excluded.created_at`;
const columns = `source_id, number, destination, kind, object_key, length, sha256, previous_sha256, row_count, is_last_part,
  lock_mode`;

/**
 * Announces manifests, before anything is sent. An announcement of the same number that is still open is replaced: the
 * store lets nobody write over what has arrived.
 */
export async function announceManifests(catalog: Catalog, records: readonly ManifestRecord[]): Promise<void> {
  await catalog.rows(
    `insert into manifests (${columns}, state)
     select ${columns}, 'open' from jsonb_populate_recordset(null::manifests, $1)
     on conflict (source_id, number, destination) do update set ${setAll} where manifests.state = 'open'`,
    [JSON.stringify(records.map(encoded))],
  );
}

/**
 * Records manifests of one number that are there, and marks what they list, all at once. A version is marked while it is
 * what the manifest says, by the time it was settled. One that another transaction works on now is left out and listed
 * once more later: to wait for it here could make the two wait for each other.
 */
export async function commitManifests(
  catalog: Catalog,
  stored: readonly StoredManifest[],
  listed: readonly ListedState[],
): Promise<void> {
  await catalog.rows(
    `with committed as (
       insert into manifests (${columns}, s3_version_id, retain_until, state)
       select ${columns}, s3_version_id, retain_until, 'committed' from jsonb_populate_recordset(null::manifests, $1)
       on conflict (source_id, number, destination) do update
         set ${setAll}, s3_version_id = excluded.s3_version_id, retain_until = excluded.retain_until, state = 'committed'
       returning number
     ), listed as (
       select id, settled_at from unnest($2::text[], $3::timestamptz[]) as l(id, settled_at)
     ), taken as (
       select v.id from versions v join listed l on l.id = v.id
       where v.journal is null and date_trunc('milliseconds', v.settled_at) = l.settled_at
       order by v.id for no key update of v skip locked
     )
     update versions v set journal = (select max(number) from committed) from taken where v.id = taken.id`,
    [
      JSON.stringify(stored.map(encoded)),
      listed.map(({ version }) => version),
      listed.map(({ settledAt }) => settledAt),
    ],
  );
}

/** Gives a number up in one destination: somebody else's object has its name. */
export async function abandonManifest(
  catalog: Catalog,
  { sourceId, number, destination }: Pick<ManifestRecord, 'sourceId' | 'number' | 'destination'>,
): Promise<void> {
  await catalog.rows(
    `update manifests set state = 'abandoned' where source_id = $1 and number = $2 and destination = $3`,
    [sourceId, number, destination],
  );
}

/** Notes that destinations were away when a manifest was written: it is copied there from another one. */
export async function missManifests(
  catalog: Catalog,
  records: readonly Pick<ManifestRecord, 'sourceId' | 'number' | 'destination'>[],
): Promise<void> {
  for (const { sourceId, number, destination } of records) {
    await catalog.rows(
      `update manifests set state = 'missing' where source_id = $1 and number = $2 and destination = $3`,
      [sourceId, number, destination],
    );
  }
}

/** Whether a checkpoint is due: a month after the last complete one, or after the first journal. */
export async function isCheckpointDue(catalog: Catalog, sourceId: Id): Promise<boolean> {
  const [row] = await catalog.rows<{ due: boolean | null }>(
    `select coalesce(
       (select max(created_at) from manifests
        where source_id = $1 and state = 'committed' and kind = 'checkpoint' and is_last_part) < now() - interval '1 month',
       (select min(created_at) from manifests where source_id = $1 and state = 'committed') < now() - interval '31 days'
     ) as due`,
    [sourceId],
  );
  return row?.due ?? false;
}

/** A part of the newest complete checkpoint in one destination. */
export interface CheckpointPart
  extends Pick<ManifestRecord, 'number' | 'destination' | 'objectKey' | 'lockMode'> {
  readonly s3VersionId: string;
  readonly retainUntil: Date;
}

export async function newestCheckpoint(catalog: Catalog, sourceId: Id): Promise<CheckpointPart[]> {
  return catalog.rows<CheckpointPart>(
    `with ends as (
       select distinct number from manifests
       where source_id = $1 and state = 'committed' and kind = 'checkpoint' and is_last_part order by number desc limit 2
     )
     select number, destination, object_key as "objectKey", s3_version_id as "s3VersionId", lock_mode as "lockMode",
            retain_until as "retainUntil"
     from manifests, (select max(number) as newest, min(number) as before, count(*) as count from ends) e
     where source_id = $1 and state = 'committed' and kind = 'checkpoint'
       and number <= e.newest and (e.count = 1 or number > e.before)
     order by number, destination`,
    [sourceId],
  );
}

export async function recordManifestLock(
  catalog: Catalog,
  { sourceId, number, destination }: Pick<ManifestRecord, 'sourceId' | 'number' | 'destination'>,
  retainUntil: Date,
): Promise<void> {
  await catalog.rows(
    `update manifests set retain_until = $4 where source_id = $1 and number = $2 and destination = $3 and retain_until < $4`,
    [sourceId, number, destination, retainUntil],
  );
}

const recordColumns = `source_id as "sourceId", number, destination, kind, is_last_part as "isLastPart",
  object_key as "objectKey", length, sha256, previous_sha256 as "previousSha256", row_count as "rowCount",
  lock_mode as "lockMode"`;

const bytea = (bytes: Buffer): string => `\\x${bytes.toString('hex')}`;

function encoded(record: ManifestRecord | StoredManifest) {
  return {
    source_id: record.sourceId,
    number: record.number,
    destination: record.destination,
    kind: record.kind,
    is_last_part: record.isLastPart,
    object_key: record.objectKey,
    length: record.length,
    sha256: bytea(record.sha256),
    previous_sha256: record.previousSha256 === null ? null : bytea(record.previousSha256),
    row_count: record.rowCount,
    lock_mode: record.lockMode,
    ...('s3VersionId' in record
      ? { s3_version_id: record.s3VersionId, retain_until: record.retainUntil }
      : {}),
  };
}
