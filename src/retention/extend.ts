import type { RestedObject } from '../catalog/retention-query.ts';
import { recordChecks } from '../catalog/verify-query.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id, Lock } from '../domain/records.ts';
import { type NeededLock, neededLock } from '../domain/retention.ts';
import { lockFrom } from '../storage/locks.ts';
import type { Clocks } from './clocks.ts';
import type { RetentionContext } from './context.ts';
import type { JudgedVersion } from './judged.ts';

/** An object whose lock ends too early for what rests on it. */
export interface DueLock {
  readonly object: RestedObject;
  readonly lock: NeededLock;
}

/** The objects whose locks are to be extended, each once however many of the versions rest on it. */
export function dueLocks(
  versions: readonly JudgedVersion[],
  destinations: RetentionContext['destinations'],
  clocks: Clocks,
): DueLock[] {
  const floors = new Map<Id, { object: RestedObject; days: number }>();
  for (const { verdict, objects } of versions) {
    if (verdict.is === 'expired' || verdict.floorDays === null) continue;
    for (const object of objects) {
      const destinationDays = destinations.get(object.destination)?.lockDays ?? 1;
      const days = verdict.floorDays === 'destination' ? destinationDays : verdict.floorDays;
      floors.set(object.id, { object, days: Math.max(days, floors.get(object.id)?.days ?? 0) });
    }
  }
  return [...floors.values()].flatMap(({ object, days }) => {
    const now = clocks.destinations.get(object.destination);
    const lock = neededLock(days);
    const isDue = now !== undefined && object.retainUntil < ends(now, object, lock.leastDays).retainUntil;
    return isDue ? [{ object, lock }] : [];
  });
}

const ends = (now: Date, { lockMode }: RestedObject, days: number): Lock =>
  lockFrom(now, { mode: lockMode, days });

/**
 * Extends one lock and reads it back; in the mode it has, because S3 changes none. `refused`: the bucket does not lock it
 * for so long, or does not have it: noted as what verifying finds, so that nothing more comes to rest on it.
 */
export async function extend(
  { catalog, destinations, log }: RetentionContext,
  { object, lock }: DueLock,
): Promise<'extended' | 'refused'> {
  const store = destinations.get(object.destination)?.store;
  if (store === undefined) throw new TypeError('a destination without a clock is not extended');
  const { key, s3VersionId: versionId, lockMode: mode } = object;
  try {
    const wanted = await store.lockUntil({ mode, days: lock.extendToDays });
    const inForce = await store.extendLock({ key, versionId, lock: wanted });
    const lockExtended = { objectId: object.id, lockMode: inForce.mode, retainUntil: inForce.retainUntil };
    await catalog.write({ lockExtended, events: [] });
    return 'extended';
  } catch (error) {
    const result = isFailure(error, 'object_missing')
      ? 'missing'
      : isFailure(error, 'lock_refused')
        ? 'lock_mismatch'
        : undefined;
    if (result === undefined) throw error;
    await recordChecks(catalog, [{ objectId: object.id, result, read: false }]);
    log.error({ object: object.id, result }, 'a lock could not be extended: run `holdfast verify --all`');
    return 'refused';
  }
}
