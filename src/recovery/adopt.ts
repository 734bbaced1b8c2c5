import type { DatabaseSync } from 'node:sqlite';
import { isFailure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { RepositoryKeys } from '../keys/repository-keys.ts';
import { prefixed } from '../sealed/names.ts';
import { type OpenedSealed, openSealed } from '../sealed/open.ts';
import { adoptedRow } from './adopted-row.ts';
import { type Bucket, edgesOf, type FoundVersion } from './bucket.ts';
import { versionsOfName } from './found.ts';
import { inParallel } from './in-parallel.ts';
import type { UnreadableCount } from './unreadable.ts';
import type { VersionRecorder } from './version-recorder.ts';

export interface Adoption {
  /** Versions that only their sealed file tells of. */
  readonly adopted: number;
  /** Sealed files of versions that manifests tell of without them, e.g. of an upload that was made anew. */
  readonly superfluous: number;
  /** Object versions that are no sealed file of ours, or lie under the name of another. */
  readonly garbage: number;
  /** What looks like an OpenPGP message: without a manifest nothing says what it is. */
  readonly messages: number;
}

export interface AdoptionReading {
  readonly db: DatabaseSync;
  readonly bucket: Bucket;
  readonly keys: Pick<RepositoryKeys, 'byId' | 'objectKey'>;
  readonly recorder: VersionRecorder;
  readonly unreadable: UnreadableCount;
  readonly onProgress: (done: number, total: number) => void;
}

/** Objects that no manifest lists, or lists only for another version than the one they were made for. */
const unlisted = `
  from (select distinct name from found where name > 'objects/' and name < 'objects0') f
  where not exists (select 1 from place p join version v on v.id = p.made_for where p.object = f.name)`;

/**
 * Opens every sealed file that no manifest lists, by its beginning and end, and records the version it says it holds. A
 * version that a manifest tells of is left as told. Failures: the store's, `interrupted`.
 */
export async function adoptUnlisted(reading: AdoptionReading): Promise<Adoption> {
  const { db, recorder, onProgress } = reading;
  const run = newRunId();
  const total = Number(db.prepare(`select count(*) as count ${unlisted}`).get()?.count);
  const isKnown = db.prepare('select 1 from version where id = ?');
  const keepPlace = db.prepare('insert or ignore into object values (?, ?, ?)');
  const counts = { adopted: 0, superfluous: 0, garbage: 0, messages: 0 };
  const adoptOne = async (name: string): Promise<void> => {
    const looked = await firstAuthentic(reading, name);
    counts.garbage += looked.garbage;
    counts.messages += looked.messages;
    for (const keyId of looked.unknownKeys) reading.unreadable.addObject(keyId);
    if (looked.found === undefined) return;
    const { version, sealed } = looked.found;
    if (isKnown.get(sealed.metadata.version) !== undefined) {
      counts.superfluous++;
      return;
    }
    const { source, scope } = sealed.metadata;
    const row = adoptedRow(version, { offset: 0, length: version.lengthBytes }, sealed, run);
    if (!recorder.add(source, row, { scope, journal: null })) {
      counts.garbage++;
      return;
    }
    keepPlace.run(name, version.versionId, version.lengthBytes);
    counts.adopted++;
  };
  await inParallel(unlistedNames(db), adoptOne, (done) => onProgress(done, total));
  return counts;
}

const pageNames = 1_000;

/** In pages, because each look at one may change what is listed. */
async function* unlistedNames(db: DatabaseSync): AsyncGenerator<string> {
  const page = db.prepare(`select name ${unlisted} and f.name > ? order by f.name limit ${pageNames}`);
  for (let after = ''; ; ) {
    const names = page.all(after).map((row) => String(row.name));
    yield* names;
    const last = names.at(-1);
    if (last === undefined) return;
    after = last;
  }
}

interface Looked {
  readonly found?: { readonly version: FoundVersion; readonly sealed: OpenedSealed };
  readonly garbage: number;
  readonly messages: number;
  readonly unknownKeys: readonly Id[];
}

/** Looks at the versions of a name, oldest first, until one authenticates. */
async function firstAuthentic(reading: AdoptionReading, name: string): Promise<Looked> {
  const unknownKeys = new Set<Id>();
  let [garbage, messages] = [0, 0];
  for (const version of versionsOfName(reading.db, name)) {
    const opened = await openAt(reading, version);
    if (typeof opened === 'object')
      return { found: { version, sealed: opened }, garbage, messages, unknownKeys: [] };
    if (opened === 'garbage') garbage++;
    else if (opened === 'message') messages++;
    else unknownKeys.add(opened);
  }
  return { garbage, messages, unknownKeys: [...unknownKeys] };
}

/** The sealed file, or what keeps it from being one: `garbage`, `message`, or the id of a key that is not known. */
async function openAt(
  { bucket, keys }: AdoptionReading,
  version: FoundVersion,
): Promise<OpenedSealed | 'garbage' | 'message' | Id> {
  const key = prefixed(bucket.prefix, version.name);
  const source = edgesOf(bucket, { key, versionId: version.versionId }, version.lengthBytes);
  try {
    const sealed = await openSealed(source, { keys: (id) => keys.byId(id), purpose: 'content' });
    return isNamedFor(keys, sealed, version.name) ? sealed : 'garbage';
  } catch (error) {
    if (isFailure(error, 'unknown_key')) return String(error.facts.keyId);
    if (isFailure(error, 'object_missing')) return 'garbage';
    if (!isFailure(error, 'tampered') && !isFailure(error, 'unsupported_format')) throw error;
    return (await looksLikeMessage(source)) ? 'message' : 'garbage';
  }
}

/** Whether the name is the one the sealed file was written under; a copy under another name is no evidence of anything. */
function isNamedFor(keys: AdoptionReading['keys'], { metadata, iv }: OpenedSealed, name: string): boolean {
  const sha512 = Buffer.from(metadata.sha512, 'hex');
  const keyed = keys.objectKey({ prefix: '', scope: metadata.scope, sha512, iv });
  return name === keyed || name === `objects/${metadata.sha512}-${iv.toString('hex')}`;
}

/** First packet of an OpenPGP message in the new format, tag 1 or 3: RFC 4880 sections 4.2 and 5. */
async function looksLikeMessage(source: {
  readonly lengthBytes: number;
  read(offset: number, length: number): Promise<Buffer>;
}): Promise<boolean> {
  if (source.lengthBytes === 0) return false;
  const [first] = await source.read(0, 1);
  return first === 0xc1 || first === 0xc3;
}
