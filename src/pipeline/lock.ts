import { Failure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import { satisfies } from '../storage/locks.ts';
import type { LockDays, ObjectFacts, ObjectStore, VersionName } from '../storage/object-store.ts';

/**
 * Extra time a shared object is locked for, so that the next duplicates within it need no request of their own. The
 * store leaves a lock alone that would gain less than an hour, so a lock never falls below its floor.
 */
const shareSlackMs = 3_600_000;

/** Makes sure that an object that a further version rests on is locked for long enough for that version too. */
export async function extendForSharing(
  store: ObjectStore,
  object: VersionName,
  wanted: LockDays,
): Promise<Lock> {
  const floor = await store.lockUntil(wanted);
  const asked = { mode: floor.mode, retainUntil: new Date(floor.retainUntil.getTime() + shareSlackMs) };
  const inForce = await store.extendLock({ ...object, lock: asked });
  if (!satisfies(inForce, floor)) throw new Failure('lock_refused', { destination: store.name });
  return inForce;
}

/** What an object must be for a version to rest on it. */
export interface Expected {
  readonly lengthBytes: number;
  readonly checksum: { kind: 'whole' | 'composite'; sha256: Buffer };
  readonly floor: Lock;
}

/** Step 8: holds the server's own account of the version against what was asked. `lock_mismatch`, `s3_corrupt`. */
export function checkReadBack(destination: string, facts: ObjectFacts | undefined, expected: Expected): Lock {
  if (facts === undefined) throw new Failure('object_missing', { destination });
  if (!sameBytes(facts, expected))
    throw new Failure('s3_corrupt', { destination, reason: 'read back otherwise' });
  if (facts.lock === undefined || !satisfies(facts.lock, expected.floor))
    throw new Failure('lock_mismatch', { destination });
  return facts.lock;
}

function sameBytes(facts: ObjectFacts, expected: Pick<Expected, 'lengthBytes' | 'checksum'>): boolean {
  return (
    facts.lengthBytes === expected.lengthBytes &&
    facts.checksum?.kind === expected.checksum.kind &&
    facts.checksum.sha256.equals(expected.checksum.sha256)
  );
}

/**
 * After `exists`: the version of this key that holds our bytes under at least our lock. One that does not is somebody
 * else's, and never taken for ours. Undefined if there is none.
 */
export async function findOurs(
  store: ObjectStore,
  key: string,
  expected: Expected,
): Promise<string | undefined> {
  for (const version of await store.versionsOf(key)) {
    if (version.isDeleteMarker) continue;
    const facts = await store.head(version);
    if (facts && sameBytes(facts, expected) && satisfies(facts.lock, expected.floor))
      return version.versionId;
  }
  return undefined;
}
