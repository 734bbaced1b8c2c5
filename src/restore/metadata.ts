import { type BigIntStats, chmodSync, chownSync, fstatSync } from 'node:fs';
import { descriptorPath } from './descriptor.ts';
import type { MtimeSetter } from './mtime-setter.ts';

/** What is put back of a version besides its content. */
export interface WantedMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

/** What the file system or this user's rights did not let be set; the content is whole all the same. */
export type MetadataProblem = 'owner_not_set' | 'mode_not_set' | 'mtime_not_set';

const setIdBits = 0o6000;

/**
 * Sets owner (as root), mode and time, in this order because a change of owner clears the set-id bits. Takes any
 * descriptor, also one that only names a place; a link's has no mode. Only what differs is set.
 */
export async function applyMetadata(
  descriptor: number,
  wanted: WantedMetadata,
  times: MtimeSetter,
): Promise<MetadataProblem | undefined> {
  const path = descriptorPath(descriptor);
  const before = fstatSync(descriptor, { bigint: true });
  const problems: MetadataProblem[] = [];
  if (isRoot() && !hasOwner(before, wanted)) {
    attempt(problems, 'owner_not_set', () => chownSync(path, wanted.uid, wanted.gid));
  }
  if (!before.isSymbolicLink()) {
    const owned = fstatSync(descriptor, { bigint: true });
    const mode = rightfulMode(owned, wanted);
    if (Number(owned.mode & 0o7777n) !== mode) {
      attempt(problems, 'mode_not_set', () => chmodSync(path, mode));
    }
  }
  if (before.mtimeNs !== wanted.mtimeNs && !(await times.set(descriptor, wanted.mtimeNs))) {
    problems.push('mtime_not_set');
  }
  return problems[0];
}

/** True when {@link applyMetadata} would change nothing. */
export function hasMetadata(stat: BigIntStats, wanted: WantedMetadata): boolean {
  return (
    (!isRoot() || hasOwner(stat, wanted)) &&
    (stat.isSymbolicLink() || Number(stat.mode & 0o7777n) === rightfulMode(stat, wanted)) &&
    stat.mtimeNs === wanted.mtimeNs
  );
}

/** A set-id bit lends the owner's rights: under another owner than the recorded one it would lend the wrong ones. */
function rightfulMode(stat: BigIntStats, wanted: WantedMetadata): number {
  return hasOwner(stat, wanted) ? wanted.mode : wanted.mode & ~setIdBits;
}

function hasOwner(stat: BigIntStats, wanted: WantedMetadata): boolean {
  return stat.uid === BigInt(wanted.uid) && stat.gid === BigInt(wanted.gid);
}

const isRoot = (): boolean => process.geteuid?.() === 0;

function attempt(problems: MetadataProblem[], problem: MetadataProblem, set: () => void): void {
  try {
    set();
  } catch {
    problems.push(problem);
  }
}
