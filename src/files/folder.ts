import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { errorCode } from './error-code.ts';
import { isWithin, joinPath, namesOf } from './paths.ts';
import type { SourceRoot } from './root.ts';

/** open(2): a descriptor that only names a place; needs no read permission. Node does not export it (Linux value). */
const openPathOnly = 0o10000000;
const folderFlags = openPathOnly | constants.O_DIRECTORY;

/** PATH_MAX is 4,096 with the closing NUL; the rest is room for `readlink` to add ` (deleted)`. */
const longestPathBytes = 4_000;

const slash = Buffer.from('/');

/** An opened folder inside a source. Close it when done. */
export interface OpenFolder {
  readonly kind: 'folder';
  readonly descriptor: number;
  /** `/proc/self/fd/<n>`: names the folder itself, whatever is renamed around it, however long its path. */
  readonly path: Buffer;
  close(): void;
}

export type OpenFolderResult =
  | OpenFolder
  | { readonly kind: 'gone' }
  | { readonly kind: 'left_source' }
  | { readonly kind: 'unreadable'; readonly code: string };

/**
 * Opens the folder at `relativePath` and proves where it is: the path behind the descriptor must be the one asked for,
 * so a parent that was swapped for a link is noticed, also in a race. `left_source`: it leads out of the source;
 * a link to elsewhere inside the source is `gone`, because no folder of that name is there.
 * What lies deeper than a path can say is reached name by name from the last proven folder, following no link.
 *
 * Throws only what is about this process (Failure `out_of_handles`), never what is about the folder.
 */
export function openFolder(root: SourceRoot, relativePath: Buffer): OpenFolderResult {
  const opened: number[] = [];
  try {
    const { start, names } = splitAtLongest(root, relativePath);
    opened.push(openSync(start, folderFlags));
    const actual = readlinkSync(descriptorPath(opened[0] as number), 'buffer');
    if (!actual.equals(start)) {
      for (const descriptor of opened.splice(0)) closeSync(descriptor);
      return isWithin(actual, insideOf(root)) ? { kind: 'gone' } : { kind: 'left_source' };
    }
    for (const name of names) {
      const parent = opened[0] as number;
      opened.push(openSync(joinPath(descriptorPath(parent), name), folderFlags | constants.O_NOFOLLOW));
      closeSync(parent);
      opened.shift();
    }
    const descriptor = opened[0] as number;
    return {
      kind: 'folder',
      descriptor,
      path: descriptorPath(descriptor),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    return openProblem(error);
  }
}

/** The path that stands for an open descriptor of this process. */
function descriptorPath(descriptor: number): Buffer {
  return Buffer.from(`/proc/self/fd/${descriptor}`);
}

/** Sorts a failed open, lstat, readlink or readdir. Throws what says nothing about the path. */
export function openProblem(error: unknown): { kind: 'gone' } | { kind: 'unreadable'; code: string } {
  const code = errorCode(error);
  if (code === undefined) throw error;
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') {
    throw new Failure('out_of_handles', { detail: code }, { cause: error });
  }
  // ENOTDIR and ELOOP: a parent is a file or link by now, so what was below it is not there any more.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return { kind: 'gone' };
  return { kind: 'unreadable', code };
}

/** True when what an open file descriptor names lies under the root (a name longer than a path: proven by its folder). */
export function liesInside(root: SourceRoot, descriptor: number): boolean {
  try {
    return isWithin(readlinkSync(descriptorPath(descriptor), 'buffer'), insideOf(root));
  } catch (error) {
    if (errorCode(error) === 'ENAMETOOLONG') return true;
    throw error;
  }
}

/** The root's real path as `isWithin` wants it: the file system's root holds everything. */
export function insideOf(root: SourceRoot): Buffer {
  return root.realPath.length === 1 ? Buffer.alloc(0) : root.realPath;
}

/** The longest prefix that one path can name, and the names that remain. */
function splitAtLongest(root: SourceRoot, relativePath: Buffer): { start: Buffer; names: Buffer[] } {
  const base = insideOf(root);
  if (relativePath.length === 0) return { start: root.realPath, names: [] };
  if (base.length + 1 + relativePath.length <= longestPathBytes)
    return { start: Buffer.concat([base, slash, relativePath]), names: [] };
  const names = namesOf(relativePath);
  let start = root.realPath;
  for (const [index, name] of names.entries()) {
    const longer = Buffer.concat([start.length === 1 ? base : start, slash, name]);
    if (longer.length > longestPathBytes) return { start, names: names.slice(index) };
    start = longer;
  }
  return { start, names: [] };
}
