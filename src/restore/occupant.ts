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
import { hasMetadata } from './metadata.ts';
import { numberedName } from './names.ts';
import type { RestorableFile } from './restore-index.ts';
import { throwIfInterrupted } from './retry.ts';
import { maxNameAttempts, type TargetFolder } from './target-tree.ts';

/**
 * The name an entry gets in its folder, and what has it now: nothing, or already what is to be restored. Names taken by
 * anything else are passed over. `number` 0 is the entry's own name.
 */
export type Berth<Equal> =
  | { readonly kind: 'free'; readonly name: Buffer; readonly number: number }
  | { readonly kind: 'equal'; readonly name: Buffer; readonly number: number; readonly occupant: Equal };

/**
 * Looks for the entry's name from `from` on. `equal` judges what has a name, and gives undefined when it is something else.
 * Failure `no_free_name`.
 */
export async function findBerth<Equal>(
  folder: TargetFolder,
  wanted: Buffer,
  equal: (path: Buffer, stat: BigIntStats) => Promise<Equal | undefined> | Equal | undefined,
  from = 0,
): Promise<Berth<Equal>> {
  for (let number = from; number < maxNameAttempts; number++) {
    const name = numberedName(wanted, number, 'file');
    const path = joinPath(folder.path, name);
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return { kind: 'free', name, number };
    const occupant = await equal(path, stat);
    if (occupant !== undefined) return { kind: 'equal', name, number, occupant };
  }
  throw new Failure('no_free_name');
}

/** A file that holds the version's content already. Close its descriptor. */
export interface EqualFile {
  readonly descriptor: number;
  readonly stat: BigIntStats;
}

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The file at `path`, opened, if size and SHA-512 are the version's. A file with further names that would need other
 * metadata does not count: what else bears those names, perhaps outside the target, is not ours to change.
 */
export async function equalFile(
  path: Buffer,
  seen: BigIntStats,
  version: RestorableFile,
  signal: AbortSignal,
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
    const isOurs = stat.nlink === 1n || hasMetadata(stat, version);
    isEqual =
      stat.isFile() &&
      stat.size === seen.size &&
      isOurs &&
      (await sha512Of(descriptor, signal)).equals(version.sha512);
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
