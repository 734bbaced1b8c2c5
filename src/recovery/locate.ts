import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { RepositoryKeys } from '../keys/repository-keys.ts';
import type { SealedFormat } from '../manifest/records.ts';
import { retrying } from '../restore/retry.ts';
import { prefixed } from '../sealed/names.ts';
import { openSealed } from '../sealed/open.ts';
import { sliceOf } from '../sealed/pack.ts';
import { type Bucket, edgesOf, type FoundVersion } from './bucket.ts';
import { versionsOfName } from './found.ts';
import { inParallel } from './in-parallel.ts';

export interface LocationReading {
  readonly db: DatabaseSync;
  readonly bucket: Bucket;
  readonly keys: Pick<RepositoryKeys, 'byId'>;
  readonly onProgress: (done: number) => void;
}

/**
 * Decides for every object that a version rests on which of the versions under its name is meant: the one with the
 * recorded version id, else any that is what was recorded, because version ids change when a bucket is copied. Says of
 * every version whether it can be restored. Failures: the store's, `interrupted`.
 */
export async function locateObjects(reading: LocationReading): Promise<void> {
  const { db, onProgress } = reading;
  db.exec(
    `insert or ignore into object
     select p.object, f.version_id, f.length from place p join found f on f.name = p.object and f.version_id = p.version_id`,
  );
  const accept = db.prepare('insert or ignore into object values (?, ?, ?)');
  const locate = async (wanted: Wanted): Promise<void> => {
    const found = await matchingVersion(reading, wanted);
    if (found !== undefined) accept.run(wanted.object, found.versionId, found.lengthBytes);
  };
  await inParallel(unlocated(db), locate, onProgress);
  db.exec(
    `update version set standing = case
       when kind in ('dir', 'link') and outcome = 'uploaded' then 1
       -- What expired is no loss.
       when kind = 'file' and outcome in ('uploaded', 'duplicate') and json_extract(row, '$.sha512') is not null
         and json_extract(row, '$.reason') is not 'expired'
         then exists (select 1 from place p join object o on o.name = p.object where p.version = version.id)
       -- Held or failed in one destination, it may lie in another.
       when kind = 'file' and outcome in ('held', 'failed') and json_extract(row, '$.sha512') is not null
         then nullif(exists (select 1 from place p join object o on o.name = p.object where p.version = version.id), 0)
     end`,
  );
}

/** What a manifest says of an object. */
interface Wanted {
  readonly object: string;
  /** Of the sealed file in the object, bytes. */
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  readonly key: Id;
  readonly madeFor: Id;
  readonly sealedSha256: string | null;
}

const pageNames = 1_000;

async function* unlocated(db: DatabaseSync): AsyncGenerator<Wanted> {
  const page = db.prepare(
    `select object, offset, length, format, key, made_for as "madeFor", sealed_sha256 as "sealedSha256" from place p
     where object > ? and exists (select 1 from found f where f.name = p.object)
       and not exists (select 1 from object o where o.name = p.object)
     group by object order by object limit ${pageNames}`,
  );
  for (let after = ''; ; ) {
    const rows = page.all(after) as unknown as Wanted[];
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.object;
  }
}

async function matchingVersion(reading: LocationReading, wanted: Wanted): Promise<FoundVersion | undefined> {
  const isPack = wanted.object.startsWith('packs/');
  const end = wanted.offset + wanted.length;
  const candidates = versionsOfName(reading.db, wanted.object).filter(({ lengthBytes }) =>
    isPack ? lengthBytes > end : lengthBytes === end,
  );
  // Restoring it will tell whether it is the right one; there is no other.
  if (candidates.length < 2) return candidates[0];
  for (const candidate of candidates) {
    const isMeant =
      wanted.format === 'openpgp'
        ? await hasSha256(reading.bucket, candidate, wanted.sealedSha256)
        : await isMadeFor(reading, candidate, wanted);
    if (isMeant) return candidate;
  }
  return undefined;
}

async function isMadeFor(
  { bucket, keys }: LocationReading,
  version: FoundVersion,
  wanted: Wanted,
): Promise<boolean> {
  const object = { key: prefixed(bucket.prefix, version.name), versionId: version.versionId };
  try {
    const whole = edgesOf(bucket, object, version.lengthBytes);
    const sealed = sliceOf(whole, wanted.offset, wanted.length);
    const { metadata, keyId } = await openSealed(sealed, { keys: (id) => keys.byId(id), purpose: 'content' });
    return metadata.version === wanted.madeFor && keyId.toString('hex') === wanted.key;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

async function hasSha256(bucket: Bucket, version: FoundVersion, sha256: string | null): Promise<boolean> {
  const { store, prefix, signal, retryPausesMs } = bucket;
  const object = { key: prefixed(prefix, version.name), versionId: version.versionId };
  return retrying(
    async () => {
      const digest = createHash('sha256');
      for await (const piece of await store.getStream(object)) digest.update(piece);
      return digest.digest('hex') === sha256;
    },
    signal,
    retryPausesMs,
  );
}

function isRefusal(error: unknown): boolean {
  if (!isFailure(error)) return false;
  return ['tampered', 'unsupported_format', 'unknown_key', 'object_missing'].includes(error.code);
}
