import { createHash } from 'node:crypto';
import { accessSync, constants, lstatSync } from 'node:fs';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { errorCode } from './error-code.ts';
import type { OpenFolder } from './folder.ts';
import { openSourceFolder } from './open.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from './paths.ts';
import type { SourceRoot } from './root.ts';

export interface TakeOrder {
  /** SHA-512 of the content that may be taken away and no other, lower-case hex. */
  readonly expectSha512: string;
  /** 32 lower-case hex digits; what the file is called while it is looked at. */
  readonly name: string;
}

/**
 * - `taken`: the name and the file are gone.
 * - `changed`: the name holds something else, which stays where it is.
 * - `gone`: nothing has the name any more.
 * - `refused`: the source cannot be changed (`code`: EROFS, EACCES, EPERM); the file stays.
 */
export type TakeResult =
  | { readonly kind: 'taken' | 'changed' | 'gone' }
  | { readonly kind: 'refused'; readonly code: string };

/**
 * Takes one file out of a source, so that no other file can be hit by it: it is renamed within its opened folder, hashed
 * there, and removed only if it holds the expected content; whatever else was caught gets its name back. Can be run
 * again after a crash at any point. The content must be kept elsewhere before this is called.
 */
export async function takeAway(root: SourceRoot, path: Buffer, order: TakeOrder): Promise<TakeResult> {
  if (!/^[0-9a-f]{32}$/.test(order.name)) throw new RangeError('a name is 32 hex digits');
  const parent = folderOf(root, path);
  if (parent.kind !== 'folder') return parent;
  try {
    return await takeFrom(parent, nameOf(path), order);
  } finally {
    parent.close();
  }
}

/** The system's code where names cannot be taken away from the file's folder at all; undefined where they may be. */
export function refusesTaking(root: SourceRoot, path: Buffer): string | undefined {
  const parent = folderOf(root, path);
  if (parent.kind === 'refused') return parent.code;
  if (parent.kind !== 'folder') return undefined;
  try {
    accessSync(parent.path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return refusalCode(error);
  } finally {
    parent.close();
  }
}

function folderOf(root: SourceRoot, path: Buffer): OpenFolder | TakeResult {
  if (path.length === 0 || !isRelativePath(path)) return { kind: 'changed' };
  const parent = openSourceFolder(root, parentOf(path));
  if (parent.kind === 'left_source') return { kind: 'changed' };
  if (parent.kind === 'unreadable') return { kind: 'refused', code: parent.code };
  return parent.kind === 'gone' ? { kind: 'gone' } : parent;
}

async function takeFrom(
  parent: OpenFolder,
  name: Buffer,
  { expectSha512, name: id }: TakeOrder,
): Promise<TakeResult> {
  const original = joinPath(parent.path, name);
  const aside = joinPath(parent.path, Buffer.from(`.holdfast-${id}`));
  // A crash left it aside: before it was looked at, or before it was removed.
  if (await holds(aside, expectSha512)) await unlink(aside).catch(missing);
  else await giveBack(aside, original).catch(missing);
  const found = lstatSync(original, { throwIfNoEntry: false });
  if (found === undefined) return { kind: 'gone' };
  if (!found.isFile()) return { kind: 'changed' };
  try {
    await rename(original, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'gone' };
    const code = refusalCode(error);
    if (code === undefined) throw error;
    return { kind: 'refused', code };
  }
  if (await holds(aside, expectSha512)) {
    await unlink(aside).catch(missing);
    return { kind: 'taken' };
  }
  await giveBack(aside, original).catch(missing);
  return { kind: 'changed' };
}

function refusalCode(error: unknown): string | undefined {
  const code = errorCode(error);
  return code === 'EROFS' || code === 'EACCES' || code === 'EPERM' ? code : undefined;
}

/** Puts a file back under its name, unless a newer one took it meanwhile: then it keeps the name it has. */
async function giveBack(aside: Buffer, original: Buffer): Promise<void> {
  // A folder that was caught cannot be linked.
  if (lstatSync(aside, { throwIfNoEntry: false })?.isDirectory()) return rename(aside, original);
  try {
    await link(aside, original);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return;
  }
  await unlink(aside);
}

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Whether the name is that of a regular file with this SHA-512. */
async function holds(path: Buffer, sha512: string): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, readFlags);
    return (await handle.stat()).isFile() && (await sha512Of(handle)) === sha512;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO') return false;
    throw error;
  } finally {
    await handle?.close();
  }
}

/** SHA-512 of a file from its start, lower-case hex. */
async function sha512Of(handle: FileHandle): Promise<string> {
  const digest = createHash('sha512');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return digest.digest('hex');
    digest.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function missing(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error;
}
