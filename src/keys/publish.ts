import { prefixed } from '../sealed/names.ts';
import type { LockDays, ObjectStore } from '../storage/object-store.ts';
import type { KeyringDocument } from './keyring-files.ts';

/** Scope keys are locked for so long and renewed while the scope lives, so that shredding one is possible. Days. */
const scopeLockDays = 60;
/** A lock with less than this left is renewed. Milliseconds. */
const renewBelowMs = 53 * 86_400_000;

/**
 * Makes sure that the bucket holds every keyring document, unaltered and locked: the root like data, scope keys for 60
 * days and renewed weekly. Without them nothing in the bucket can be read, so this comes before any upload.
 */
export async function publishKeyring(
  store: ObjectStore,
  prefix: string,
  documents: readonly KeyringDocument[],
  rootLock: LockDays,
): Promise<void> {
  for (const { name, bytes } of documents) {
    const key = prefixed(prefix, name);
    const isRoot = name.startsWith('keys/root/');
    const lock: LockDays = isRoot
      ? rootLock
      : { mode: 'GOVERNANCE', days: Math.max(scopeLockDays, rootLock.days) };
    const present = await presentVersion(store, key, bytes);
    if (present === undefined) await store.putSmallDocument({ key, body: bytes, lock });
    else
      await renew(
        store,
        { key, versionId: present },
        lock,
        isRoot ? rootLock.days * 86_400_000 - 86_400_000 : renewBelowMs,
      );
  }
}

async function renew(
  store: ObjectStore,
  object: { key: string; versionId: string },
  lock: LockDays,
  belowMs: number,
): Promise<void> {
  const facts = await store.head(object);
  const wanted = await store.lockUntil(lock);
  const now = wanted.retainUntil.getTime() - lock.days * 86_400_000;
  const left = (facts?.lock?.retainUntil.getTime() ?? 0) - now;
  if (left < belowMs) await store.extendLock({ ...object, lock: wanted });
}

/** The version of the key that holds exactly these bytes; a foreign one on top is left alone. */
async function presentVersion(store: ObjectStore, key: string, bytes: Buffer): Promise<string | undefined> {
  for (const version of await store.versionsOf(key)) {
    if (version.isDeleteMarker || version.lengthBytes !== bytes.length) continue;
    if ((await store.get(version)).equals(bytes)) return version.versionId;
  }
  return undefined;
}
