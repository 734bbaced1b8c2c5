import {
  type BigIntStats,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { joinPath } from '../files/paths.ts';
import type { TargetFolder } from './target-tree.ts';

/** Codes of link(2) on file systems that know no hard links (vfat, exFAT, some network ones), and where one may not be made. */
const withoutLinks = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EACCES']);

/**
 * Gives a finished file its name without ever replacing what may have the name by now. False: the name is taken.
 * Afterwards only the new name is left. Failure `target_changed` when `partial` was no longer the file `made`.
 */
export function placeFile(
  folder: Pick<TargetFolder, 'path'>,
  partial: Buffer,
  name: Buffer,
  made: BigIntStats,
): boolean {
  const from = joinPath(folder.path, partial);
  const to = joinPath(folder.path, name);
  try {
    linkSync(from, to);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return false;
    if (code === undefined || !withoutLinks.has(code)) throw error;
    return placeByRename(from, to);
  }
  unlinkSync(from);
  // Somebody who may write here could have swapped the partial file for another.
  if (isInode(to, made)) return true;
  unlinkSync(to);
  throw new Failure('target_changed');
}

/**
 * Gives what was made its name in the place of the file or link that has it, which is gone then, as one step. False: a
 * folder has the name by now. Failure `target_changed` as for {@link placeFile}.
 */
export function replaceFile(folder: TargetFolder, partial: Buffer, name: Buffer, made: BigIntStats): boolean {
  const to = joinPath(folder.path, name);
  try {
    renameSync(joinPath(folder.path, partial), to);
  } catch (error) {
    if (errorCode(error) === 'EISDIR') return false;
    throw error;
  }
  if (isInode(to, made)) return true;
  unlinkSync(to);
  throw new Failure('target_changed');
}

/** Takes the name with an empty file first, so that the rename replaces nothing but that. */
export function placeByRename(from: Buffer, to: Buffer): boolean {
  try {
    closeSync(openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  renameSync(from, to);
  return true;
}

/** Whether the name is a further name of this inode. */
function isInode(path: Buffer, inode: { readonly dev: bigint; readonly ino: bigint }): boolean {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found !== undefined && found.ino === inode.ino && found.dev === inode.dev;
}
