import type { CheckResult } from '../catalog/verify-query.ts';
import type { Lock } from '../domain/records.ts';
import { satisfies } from '../storage/locks.ts';
import type { ObjectFacts, StoredChecksum } from '../storage/object-store.ts';

/** What was promised of an object version. */
export interface Promised {
  readonly lengthBytes: number;
  /** Unknown where nobody recorded it: then only the length tells. */
  readonly checksum?: StoredChecksum;
  readonly lock: Lock;
}

/**
 * Holds the server's account of a version against what was promised; the worst is told. A lock whose end is past binds
 * nobody any more. `now` is the server's clock.
 */
export function judge(
  facts: ObjectFacts | undefined,
  promised: Promised,
  now: Date,
): Exclude<CheckResult, 'unreadable'> {
  if (facts === undefined) return 'missing';
  if (facts.lengthBytes !== promised.lengthBytes || !hasChecksum(facts, promised.checksum)) return 'tampered';
  return promised.lock.retainUntil <= now || satisfies(facts.lock, promised.lock) ? 'ok' : 'lock_mismatch';
}

function hasChecksum({ checksum }: ObjectFacts, promised: StoredChecksum | undefined): boolean {
  if (promised === undefined) return true;
  return checksum?.kind === promised.kind && checksum.sha256.equals(promised.sha256);
}
