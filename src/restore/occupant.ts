import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read,
  readlinkSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { joinPath } from '../files/paths.ts';
import type { Journal } from './journal.ts';
import { hasMetadata, type MetadataOptions } from './metadata.ts';
import { numberedName } from './names.ts';
import type { RestorableFile } from './restore-index.ts';
import { throwIfInterrupted } from './retry.ts';
import { firstNumber, maxNameAttempts, type TargetFolder } from './target-tree.ts';

/**
 * The name an entry gets in its folder, and what has it now: nothing, already what is to be restored, what it is to
 * replace, or what is to stay in its place. Names taken by anything else are passed over. `number` 0 is the entry's own
 * name.
 */
export type Berth<Equal> = { readonly name: Buffer; readonly number: number } & (
  | { readonly kind: 'free' | 'replace' | 'kept' }
  | { readonly kind: 'equal'; readonly occupant: Equal }
);

/** When a different file or link that has an entry's name is replaced. */
export type Overwrite = 'never' | 'if-newer' | 'always';

export interface BerthSearch<Equal> {
  readonly overwrite: Overwrite;
  /** Of the version. */
  readonly mtimeNs: bigint;
  /** Judges what has a name, and gives undefined when it is something else. */
  readonly equal: (path: Buffer, stat: BigIntStats) => Promise<Equal | undefined> | Equal | undefined;
}

/** Looks for the entry's name from `from` on. Failure `no_free_name`. */
export async function findBerth<Equal>(
  folder: Pick<TargetFolder, 'path' | 'lists' | 'hasDeviceNames'>,
  wanted: Buffer,
  search: BerthSearch<Equal>,
  from = 0,
): Promise<Berth<Equal>> {
  for (let number = Math.max(from, firstNumber(folder, wanted)); number < maxNameAttempts; number++) {
    const name = numberedName(wanted, number, 'file');
    const path = joinPath(folder.path, name);
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return { kind: 'free', name, number };
    // It is another entry's, or somebody's, whose name the file system takes for this one.
    if (!folder.lists(name)) continue;
    const occupant = await search.equal(path, stat);
    if (occupant !== undefined) return { kind: 'equal', name, number, occupant };
    if (number === 0 && isReplaceable(stat) && search.overwrite !== 'never') {
      const isOurs = search.overwrite === 'always' || search.mtimeNs > stat.mtimeNs;
      return { kind: isOurs ? 'replace' : 'kept', name, number };
    }
  }
  throw new Failure('no_free_name');
}

/** Never a folder, with all that is in it; never a pipe or device. */
const isReplaceable = (stat: BigIntStats): boolean => stat.isFile() || stat.isSymbolicLink();

/** A file that holds the version's content already. Close its descriptor. */
export interface EqualFile {
  readonly descriptor: number;
  readonly stat: BigIntStats;
}

export interface EqualityDeps {
  readonly signal: AbortSignal;
  readonly metadata: MetadataOptions;
  readonly journal: Pick<Journal, 'has'>;
}

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The file at `path`, opened, if size and SHA-512 are the version's, now or when an earlier run noted it. A file with further names that would need other
 * metadata does not count: what else bears those names, perhaps outside the target, is not ours to change.
 */
export async function equalFile(
  path: Buffer,
  seen: BigIntStats,
  version: RestorableFile,
  { signal, metadata, journal }: EqualityDeps,
): Promise<EqualFile | undefined> {
  if (!seen.isFile() || seen.size !== BigInt(version.sizeBytes)) return undefined;
  let descriptor: number;
  try {
    descriptor = openSync(path, readFlags);
  } catch (error) {
    // Unreadable to us, or replaced just now: it is not known to be equal, so it stays and another name is taken.
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
  let isEqual = false;
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    const isOurs = stat.nlink === 1n || hasMetadata(descriptor, stat, version, metadata);
    isEqual =
      stat.isFile() &&
      stat.size === seen.size &&
      isOurs &&
      (journal.has(version.id, stat) || (await sha512Of(descriptor, signal)).equals(version.sha512));
    return isEqual ? { descriptor, stat } : undefined;
  } finally {
    if (!isEqual) closeSync(descriptor);
  }
}

/** True for a link to the same place. */
export function isEqualLink(path: Buffer, seen: BigIntStats, linkTarget: Buffer): boolean {
  return seen.isSymbolicLink() && readlinkSync(path, 'buffer').equals(linkTarget);
}

const readAt = promisify(read);
const chunkBytes = 256 * 1024;

async function sha512Of(descriptor: number, signal: AbortSignal): Promise<Buffer> {
  const digest = createHash('sha512');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0; ; ) {
    throwIfInterrupted(signal);
    const { bytesRead } = await readAt(descriptor, buffer, 0, buffer.length, position);
    if (bytesRead === 0) return digest.digest();
    digest.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
