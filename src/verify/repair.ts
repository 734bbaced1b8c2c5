import { hash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import type { ObjectRow } from '../catalog/rows.ts';
import { type PromisedObject, partLengths, sameSealedElsewhere } from '../catalog/verify-query.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Lock } from '../domain/records.ts';
import type { ReadDeps } from '../restore/content.ts';
import type { LockDays, ObjectStore, Part } from '../storage/object-store.ts';
import type { Remedy } from './finding.ts';
import { judge } from './judge.ts';
import { readContent } from './read-content.ts';

/** Objects up to this length go in one PUT where nobody knows how they were sent. Bytes. */
const wholeCopyBytes = 16 * 1024 * 1024;
const partBytes = 16 * 1024 * 1024;
const dayMs = 86_400_000;

export interface RepairDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly reading: ReadDeps;
}

export interface Repaired {
  readonly remedy: Extract<Remedy, 'copied' | 'found again'>;
  /** The object that takes the place of the lost one; not recorded yet. */
  readonly object: ObjectRow;
}

/**
 * Finds the sealed bytes of an object that its destination lost: under another version of the same name, or in another
 * destination, from where they are copied under the same name and lock. Either way they were read and decrypted to
 * their hash, and their lock was read back, before this answers. Nothing is recorded: a run that dies here is repeated,
 * and finds its copy as another version. Undefined: nowhere.
 */
export async function repairObject(
  deps: RepairDeps,
  destination: string,
  lost: PromisedObject,
  now: Date,
): Promise<Repaired | undefined> {
  const target = storeOf(deps, destination);
  const found = await findAgain(deps, destination, target, lost, now);
  if (found !== undefined) return { remedy: 'found again', object: found };
  for (const { destination: from, ...intact } of await sameSealedElsewhere(deps.catalog, lost.id)) {
    const source = deps.reading.stores.get(from);
    if (source === undefined || (await readContent(deps, from, intact, () => {})).result !== 'ok') continue;
    const s3VersionId = await copy(deps, { from: source, object: intact }, { to: target, lost }, now);
    const object = await accepted(deps, destination, target, { ...lost, s3VersionId }, now);
    if (object !== undefined) return { remedy: 'copied', object };
  }
  return undefined;
}

/** Another version of the same name with the same bytes, brought under the promised lock. */
async function findAgain(
  deps: RepairDeps,
  destination: string,
  store: ObjectStore,
  lost: PromisedObject,
  now: Date,
): Promise<ObjectRow | undefined> {
  for (const { versionId, isDeleteMarker, lengthBytes } of await store.versionsOf(lost.key)) {
    if (isDeleteMarker || versionId === lost.s3VersionId || lengthBytes !== lost.lengthBytes) continue;
    const object = { key: lost.key, versionId };
    const bytes = judge(await store.head(object), { ...lost, lock: noLock }, now);
    if (bytes !== 'ok') continue;
    await store.extendLock({ ...object, lock: atLeastADay(lost.lock, now) });
    const taken = await accepted(deps, destination, store, { ...lost, s3VersionId: versionId }, now);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

const noLock: Lock = { mode: 'GOVERNANCE', retainUntil: new Date(0) };

/** The row of a version that was found or made: read, decrypted, and its lock read back. Undefined if it is not as promised. */
async function accepted(
  deps: RepairDeps,
  destination: string,
  store: ObjectStore,
  made: PromisedObject,
  now: Date,
): Promise<ObjectRow | undefined> {
  const facts = await store.head({ key: made.key, versionId: made.s3VersionId });
  if (facts?.lock === undefined || judge(facts, made, now) !== 'ok') return undefined;
  if ((await readContent(deps, destination, made, () => {})).result !== 'ok') return undefined;
  const { holds } = made;
  return {
    id: deps.ids.object(destination, made.key, made.s3VersionId),
    destination,
    key: made.key,
    s3VersionId: made.s3VersionId,
    length: made.lengthBytes,
    sealingId: holds.kind === 'file' ? holds.sealingId : null,
    packId: holds.kind === 'pack' ? holds.packId : null,
    sha512: holds.kind === 'file' ? holds.sha512 : null,
    scope: made.scope,
    format: made.format,
    lockMode: facts.lock.mode,
    retainUntil: facts.lock.retainUntil,
    state: 'live',
    sealedSha256: (holds.kind === 'file' ? holds.sealedSha256 : undefined) ?? null,
  };
}

interface CopySource {
  readonly from: ObjectStore;
  readonly object: PromisedObject;
}

interface CopyTarget {
  readonly to: ObjectStore;
  readonly lost: PromisedObject;
}

/**
 * Copies sealed bytes, in the parts the lost object was sent in, so that its recorded checksum holds for the copy; gives
 * the new version's id. It goes on top of whatever holds the name now.
 */
async function copy(
  { catalog }: RepairDeps,
  source: CopySource,
  target: CopyTarget,
  now: Date,
): Promise<string> {
  const { to, lost } = target;
  const { mode, retainUntil } = atLeastADay(lost.lock, now);
  const lock: LockDays = { mode, days: Math.ceil((retainUntil.getTime() - now.getTime()) / dayMs) };
  const recorded =
    lost.holds.kind === 'file' ? await partLengths(catalog, lost.holds.sealingId, to.name) : [];
  const wentWhole = lost.holds.kind === 'pack' || lost.lengthBytes <= wholeCopyBytes;
  const inParts = recorded.length > 0 || !wentWhole;
  if (inParts) return copyInParts(source, target, lock, recorded);
  const body = await readRange(source, 0, lost.lengthBytes);
  const put = await to.put({
    key: lost.key,
    body,
    sha256: hash('sha256', body, 'buffer'),
    lock,
    onTop: true,
  });
  if (put.kind === 'exists') throw new TypeError('a write on top was refused');
  return put.versionId;
}

async function copyInParts(
  source: CopySource,
  { to, lost }: CopyTarget,
  lock: LockDays,
  recorded: readonly number[],
): Promise<string> {
  const { uploadId } = await to.createMultipart({ key: lost.key, lock });
  const upload = { key: lost.key, uploadId };
  try {
    const parts: Part[] = [];
    for (let offset = 0; offset < lost.lengthBytes; ) {
      const lengthBytes = Math.min(recorded[parts.length] ?? partBytes, lost.lengthBytes - offset);
      const body = await readRange(source, offset, lengthBytes);
      const sha256 = hash('sha256', body, 'buffer');
      const partNumber = parts.length + 1;
      const { etag } = await to.uploadPart({ ...upload, partNumber, body, sha256 });
      parts.push({ partNumber, etag, sha256, lengthBytes });
      offset += lengthBytes;
    }
    const completed = await to.completeMultipart({ ...upload, parts, onTop: true });
    if (completed.kind === 'stored') return completed.versionId;
    throw new Failure('upload_missing', { destination: to.name });
  } catch (error) {
    await to.abortMultipart(upload);
    throw error;
  }
}

function readRange({ from, object }: CopySource, offset: number, length: number): Promise<Buffer> {
  return from.get({ key: object.key, versionId: object.s3VersionId, range: { offset, length } });
}

/** The promised lock; what was promised to end sooner is locked for a day, because nothing is written without a lock. */
function atLeastADay({ mode, retainUntil }: Lock, now: Date): Lock {
  return { mode, retainUntil: new Date(Math.max(retainUntil.getTime(), now.getTime() + dayMs)) };
}

function storeOf({ reading }: RepairDeps, destination: string): ObjectStore {
  const store = reading.stores.get(destination);
  if (store === undefined) throw new Failure('destination_unknown', { destination });
  return store;
}
