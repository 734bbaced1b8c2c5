import { type BigIntStats, constants, fstatSync, lstatSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { RecordedAttributes } from '../domain/attributes.ts';
import type { EntryKind } from '../domain/records.ts';
import { readAttributes } from './attributes.ts';
import { isSameState } from './fingerprint.ts';
import { liesInside, type OpenFolderResult, openFolder, openProblem } from './folder.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from './paths.ts';
import { checkRoot, type SourceRoot } from './root.ts';

/**
 * Why a path inside a source could not be looked at.
 *
 * - `gone`: nothing has that name, while the source itself is there.
 * - `left_source`: the path leads out of the source, or onto another file system where the source may not go.
 * - `unreadable`: `code` is the system's, e.g. `EACCES`, `EIO`; `source_absent` or `source_changed` when the whole
 *   source is away, so that a missing mount never looks like deleted files.
 */
export type Unavailable =
  | { readonly kind: 'gone' }
  | { readonly kind: 'left_source' }
  | { readonly kind: 'unreadable'; readonly code: string };

export type OpenResult =
  | { readonly kind: 'file'; readonly handle: FileHandle; readonly stat: BigIntStats }
  | { readonly kind: 'link' | 'dir' | 'special'; readonly stat: BigIntStats }
  | Unavailable;

export type StatResult = { readonly kind: EntryKind; readonly stat: BigIntStats } | Unavailable;

export type AttributesResult =
  | { readonly kind: 'attributes'; readonly stat: BigIntStats; readonly attributes: RecordedAttributes }
  | { readonly kind: 'changed' }
  | Unavailable;

export type ReadLinkResult = { readonly kind: 'link'; readonly target: Buffer } | Unavailable;

/** Opens a regular file, follows no link, and does not wait where it turns out to be a FIFO. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a regular file inside a source for reading; the caller closes the handle. What is not a regular file is only
 * looked at, never opened. The path behind the handle lies under the root's real path.
 */
export async function openInside(root: SourceRoot, relativePath: Buffer): Promise<OpenResult> {
  return inFolder<OpenResult>(root, relativePath, async (path) => {
    const found = lstatSync(path, { bigint: true });
    if (!found.isFile()) return { kind: kindOf(found) as 'link' | 'dir' | 'special', stat: found };
    const handle = await open(path, readFlags);
    try {
      const stat = fstatSync(handle.fd, { bigint: true });
      const inside = liesInside(root, handle.fd);
      if (stat.isFile() && inside) return { kind: 'file', handle, stat };
      await handle.close();
      return inside ? { kind: 'special', stat } : { kind: 'left_source' };
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** lstat(2) of a path inside a source; the empty path is the root. */
export async function statInside(root: SourceRoot, relativePath: Buffer): Promise<StatResult> {
  return inFolder<StatResult>(root, relativePath, (path) => {
    const stat = lstatSync(path, { bigint: true });
    return { kind: kindOf(stat), stat };
  });
}

/** Where a symbolic link inside a source points, as its bytes. What is no link (any more) is `gone`. */
export async function readLinkInside(root: SourceRoot, relativePath: Buffer): Promise<ReadLinkResult> {
  return inFolder<ReadLinkResult>(root, relativePath, (path) => {
    if (!lstatSync(path).isSymbolicLink()) return { kind: 'gone' };
    return { kind: 'link', target: readlinkSync(path, 'buffer') };
  });
}

/** Extended attributes of what is never opened, with its lstat: both of one state, or `changed`. */
export async function attributesInside(root: SourceRoot, relativePath: Buffer): Promise<AttributesResult> {
  return inFolder<AttributesResult>(root, relativePath, (path) => {
    const stat = lstatSync(path, { bigint: true });
    const attributes = readAttributes(path);
    return isSameState(stat, lstatSync(path, { bigint: true }))
      ? { kind: 'attributes', stat, attributes }
      : { kind: 'changed' };
  });
}

/** What an lstat says an entry is. */
export function kindOf(stat: BigIntStats): EntryKind {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  return stat.isSymbolicLink() ? 'link' : 'special';
}

/** Opens and proves a folder of the source, not one on another file system where the source may not go. */
export function openSourceFolder(root: SourceRoot, relativePath: Buffer): OpenFolderResult {
  const folder = openFolder(root, relativePath);
  if (folder.kind === 'gone') return goneOrAway(root);
  if (folder.kind !== 'folder' || !root.oneFileSystem) return folder;
  // Folders only: on overlay file systems a file may show another device than the folder it is in.
  if (fstatSync(folder.descriptor, { bigint: true }).dev === root.device) return folder;
  folder.close();
  return { kind: 'left_source' };
}

/** `gone` is only said while the source itself is there. */
export function goneOrAway(root: SourceRoot): { kind: 'gone' } | { kind: 'unreadable'; code: string } {
  const state = checkRoot(root);
  return state === 'present' ? { kind: 'gone' } : { kind: 'unreadable', code: `source_${state}` };
}

/** Runs `look` on a path that names the entry through its opened parent. */
async function inFolder<Result>(
  root: SourceRoot,
  relativePath: Buffer,
  look: (path: Buffer) => Result | Promise<Result>,
): Promise<Result | Unavailable> {
  if (!isRelativePath(relativePath)) return { kind: 'left_source' };
  const parent = openSourceFolder(root, parentOf(relativePath));
  if (parent.kind !== 'folder') return parent;
  try {
    const name = relativePath.length === 0 ? Buffer.from('.') : nameOf(relativePath);
    return await look(joinPath(parent.path, name));
  } catch (error) {
    const problem = openProblem(error);
    return problem.kind === 'gone' ? goneOrAway(root) : problem;
  } finally {
    parent.close();
  }
}
