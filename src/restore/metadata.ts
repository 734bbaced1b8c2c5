import { type BigIntStats, chmodSync, chownSync, fstatSync, utimesSync } from 'node:fs';
import type { SystemCalls } from '../files/system-calls.ts';
import { descriptorPath } from './descriptor.ts';

/** What is put back of a version besides its content. */
export interface WantedMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Name to base64 of the value. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface MetadataOptions {
  /** Gives back owner and group by number, and with them what lends the owner's rights. */
  readonly owner: boolean;
  readonly xattrs: boolean;
  /** Undefined where the platform has none: then times are exact to the microsecond, and attributes are left out. */
  readonly calls: SystemCalls | undefined;
}

/**
 * What the file system, this user's rights or the request did not let be set; the content is whole all the same.
 * `set_id_not_set`: set-uid or set-gid was left out, because the owner is not the recorded one or was not asked for.
 */
export type MetadataProblem =
  | 'owner_not_set'
  | 'mode_not_set'
  | 'set_id_not_set'
  | 'mtime_not_set'
  | 'xattrs_not_set';

const setIdBits = 0o6000;

/** Attributes that say whose rights apply, in numbers of the machine they come from: they go with the owner. */
const ownersAttributes = new Set([
  'security.capability',
  'system.posix_acl_access',
  'system.posix_acl_default',
]);

const isPlainAttribute = (name: string): boolean => name.startsWith('user.');

/**
 * Sets owner, attributes, mode and time, in this order: a change of owner clears set-id bits, and attributes need the right
 * to write that a mode may take away. Takes any descriptor, also one that only names a place; a link's has no mode. Only
 * what differs is set. Gives what could not be set, and the state afterwards.
 */
export function applyMetadata(
  descriptor: number,
  wanted: WantedMetadata,
  options: MetadataOptions,
): { readonly problems: readonly MetadataProblem[]; readonly stat: BigIntStats } {
  const problems = new Set<MetadataProblem>();
  const attempt = (problem: MetadataProblem, set: () => void): void => {
    try {
      set();
    } catch {
      problems.add(problem);
    }
  };
  let stat = fstatSync(descriptor, { bigint: true });
  if (options.owner && !hasOwner(stat, wanted)) {
    attempt('owner_not_set', () => chownSync(descriptorPath(descriptor), wanted.uid, wanted.gid));
    stat = fstatSync(descriptor, { bigint: true });
  }
  if (wanted.xattrs !== undefined && options.xattrs) {
    for (const [name, value] of Object.entries(wanted.xattrs)) {
      attempt('xattrs_not_set', () => setAttribute(descriptor, stat, wanted, options, name, value));
    }
    // An access list changes the mode.
    stat = fstatSync(descriptor, { bigint: true });
  }
  if (!stat.isSymbolicLink()) {
    const mode = rightfulMode(stat, wanted, options);
    if (mode !== wanted.mode) problems.add('set_id_not_set');
    if (modeOf(stat) !== mode) {
      attempt('mode_not_set', () => chmodSync(descriptorPath(descriptor), mode));
    }
  }
  if (stat.mtimeNs !== wanted.mtimeNs) {
    attempt('mtime_not_set', () => setMtime(descriptor, wanted.mtimeNs, options.calls));
  }
  const after = fstatSync(descriptor, { bigint: true });
  // Some file systems take what they cannot hold for something near it.
  if (after.mtimeNs !== wanted.mtimeNs) problems.add('mtime_not_set');
  if (!after.isSymbolicLink() && modeOf(after) !== rightfulMode(after, wanted, options)) {
    problems.add('mode_not_set');
  }
  return { problems: [...problems], stat: after };
}

/** True when {@link applyMetadata} would change nothing. */
export function hasMetadata(
  descriptor: number,
  stat: BigIntStats,
  wanted: WantedMetadata,
  options: MetadataOptions,
): boolean {
  return (
    (!options.owner || hasOwner(stat, wanted)) &&
    (stat.isSymbolicLink() || modeOf(stat) === rightfulMode(stat, wanted, options)) &&
    stat.mtimeNs === wanted.mtimeNs &&
    (!options.xattrs || hasAttributes(descriptor, wanted, options))
  );
}

const modeOf = (stat: BigIntStats): number => Number(stat.mode & 0o7777n);

/** A set-id bit lends the owner's rights: under another owner than the recorded one it would lend the wrong ones. */
function rightfulMode(stat: BigIntStats, wanted: WantedMetadata, { owner }: MetadataOptions): number {
  return owner && hasOwner(stat, wanted) ? wanted.mode : wanted.mode & ~setIdBits;
}

function hasOwner(stat: BigIntStats, wanted: WantedMetadata): boolean {
  return stat.uid === BigInt(wanted.uid) && stat.gid === BigInt(wanted.gid);
}

/** Throws where the attribute is not ours to set, or cannot be. */
function setAttribute(
  descriptor: number,
  stat: BigIntStats,
  wanted: WantedMetadata,
  { calls, owner }: MetadataOptions,
  name: string,
  base64: string,
): void {
  const goesWithOwner = ownersAttributes.has(name);
  if (!isPlainAttribute(name) && !goesWithOwner) throw new Error('another namespace');
  if (calls === undefined) throw new Error('no system calls');
  // Who did not ask for owners did not ask for these.
  if (goesWithOwner && !owner) return;
  if (goesWithOwner && !hasOwner(stat, wanted)) throw new Error('another owner');
  const value = Buffer.from(base64, 'base64');
  if (attributeOf(descriptor, name, calls)?.equals(value)) return;
  calls.setAttribute(descriptor, Buffer.from(name), value);
}

function hasAttributes(
  descriptor: number,
  { xattrs = {} }: WantedMetadata,
  { calls, owner }: MetadataOptions,
): boolean {
  return Object.entries(xattrs).every(
    ([name, base64]) =>
      (ownersAttributes.has(name) && !owner) ||
      (calls !== undefined &&
        attributeOf(descriptor, name, calls)?.equals(Buffer.from(base64, 'base64')) === true),
  );
}

/** Undefined where there is none, or it cannot be read. */
function attributeOf(descriptor: number, name: string, calls: SystemCalls): Buffer | undefined {
  try {
    return calls.attribute(descriptor, Buffer.from(name));
  } catch {
    return undefined;
  }
}

function setMtime(descriptor: number, mtimeNs: bigint, calls: SystemCalls | undefined): void {
  if (calls !== undefined) {
    calls.setMtime(descriptor, mtimeNs);
    return;
  }
  const { atimeMs } = fstatSync(descriptor);
  utimesSync(descriptorPath(descriptor), atimeMs / 1_000, Number(mtimeNs / 1_000n) / 1e6);
}
