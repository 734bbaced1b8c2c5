import { hash } from 'node:crypto';
import type { ManifestRecord, StoredManifest } from '../catalog/manifest-table.ts';
import type { Lock } from '../domain/records.ts';
import { checkReadBack, findOurs } from '../pipeline/lock.ts';
import type { LockDays, ObjectStore, VersionName } from '../storage/object-store.ts';
import type { OpenedManifest } from './decode.ts';
import type { ManifestFormat } from './format.ts';
import { manifestName } from './names.ts';
import { maxManifestBytes } from './schema.ts';

/** Sends a manifest and reads it back. `exists`: the name is taken, by whatever. Failures: the store's, `lock_mismatch`. */
export async function putManifest(
  store: ObjectStore,
  record: ManifestRecord,
  bytes: Buffer,
  lock: LockDays,
): Promise<StoredManifest | 'exists'> {
  const { objectKey: key, sha256 } = record;
  const sent = await store.put({ key, body: bytes, sha256, lock });
  if (sent.kind === 'exists') return 'exists';
  return readBack(store, record, sent.versionId, sent.lock);
}

/**
 * A manifest that was announced and arrived, though nobody lived to record it: found by its bytes under any of the name's
 * versions, and locked for as long as if it were sent now. Undefined where it did not arrive. Failures as above.
 */
export async function findManifest(
  store: ObjectStore,
  record: ManifestRecord,
  days: number,
): Promise<StoredManifest | undefined> {
  const mode = record.lockMode;
  const floor: Lock = { mode, retainUntil: new Date(0) };
  const versionId = await findOurs(store, record.objectKey, { ...expectedBytes(record), floor });
  if (versionId === undefined) return undefined;
  const lock = await store.lockUntil({ mode, days });
  const inForce = await store.extendLock({ key: record.objectKey, versionId, lock });
  return readBack(store, record, versionId, inForce);
}

/** A manifest that this catalog does not know. */
export interface UnknownManifest {
  readonly stored: StoredManifest;
  readonly opened: OpenedManifest;
}

/**
 * Who else has taken the name. A manifest of this source that authenticates, e.g. one of ours that arrived late, is locked
 * as ours are and given back. Undefined where no version of the name is one. Failures: the store's.
 */
export async function takeOver(
  store: ObjectStore,
  format: ManifestFormat,
  wanted: Pick<ManifestRecord, 'sourceId' | 'number' | 'destination' | 'objectKey'>,
  lock: LockDays,
): Promise<UnknownManifest | undefined> {
  const objectName = manifestName(wanted.sourceId, wanted.number);
  for (const version of await store.versionsOf(wanted.objectKey)) {
    if (version.isDeleteMarker || version.lengthBytes > maxManifestBytes) continue;
    const bytes = await store.get(version);
    const opened = await format.open(bytes, objectName);
    if (opened === undefined) continue;
    const inForce = await lockedAsIs(store, version, lock);
    const { head, sections } = opened;
    const stored: StoredManifest = {
      ...wanted,
      kind: head.kind,
      isLastPart: head.last,
      length: bytes.length,
      sha256: hash('sha256', bytes, 'buffer'),
      previousSha256: head.previousSha256 === null ? null : Buffer.from(head.previousSha256, 'hex'),
      rowCount: sections.reduce((sum, { count }) => sum + count, 0),
      s3VersionId: version.versionId,
      lockMode: inForce.mode,
      retainUntil: inForce.retainUntil,
    };
    return { opened, stored };
  }
  return undefined;
}

/** Extends a lock in the mode it has: the stronger one may be refused, and the writer must not stand still for it. */
async function lockedAsIs(store: ObjectStore, version: VersionName, lock: LockDays): Promise<Lock> {
  const facts = await store.head(version);
  const wanted = await store.lockUntil({ ...lock, mode: facts?.lock?.mode ?? lock.mode });
  return store.extendLock({ ...version, lock: wanted });
}

async function readBack(
  store: ObjectStore,
  record: ManifestRecord,
  s3VersionId: string,
  floor: Lock,
): Promise<StoredManifest> {
  const facts = await store.head({ key: record.objectKey, versionId: s3VersionId });
  const lock = checkReadBack(store.name, facts, { ...expectedBytes(record), floor });
  return { ...record, s3VersionId, lockMode: lock.mode, retainUntil: lock.retainUntil };
}

const expectedBytes = ({ length, sha256 }: ManifestRecord) => ({
  lengthBytes: length,
  checksum: { kind: 'whole' as const, sha256 },
});
