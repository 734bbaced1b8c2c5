import { createHash } from 'node:crypto';
import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { chmod, type FileHandle, link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './error-code.ts';
import { isSameState } from './fingerprint.ts';
import type { OpenFolder } from './folder.ts';
import { openSourceFolder } from './open.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from './paths.ts';
import type { SourceRoot } from './root.ts';

export interface QuarantineOrder {
  /** SHA-512 of the content that was found infected, lower-case hex. */
  readonly expectSha512: string;
  /** Absolute path of the quarantine folder; made if needed, always 0700. */
  readonly quarantineDir: string;
  /** The file's name there: 32 lower-case hex digits, no extension. */
  readonly name: string;
}

/**
 * - `moved`: the original is in quarantine (0400) and its name left the source.
 * - `changed`: the name holds something else by now, which stays where it is.
 * - `gone`: nothing has the name any more, and the quarantine does not hold it.
 * - `read_only`: the source cannot be changed (`code`: EROFS, EACCES, EPERM); the file stays.
 */
export type QuarantineResult =
  | { readonly kind: 'moved'; readonly sizeBytes: number }
  | { readonly kind: 'changed' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'read_only'; readonly code: string };

/**
 * Moves one file out of a source, so that no other file can be hit by it: the content is first in quarantine and
 * checked, then the name is taken away by rename, looked at, and given back if it was not that file any more.
 * Can be run again after a crash at any point. Throws the quarantine folder's own system errors (full, missing).
 */
export async function moveToQuarantine(
  root: SourceRoot,
  path: Buffer,
  order: QuarantineOrder,
): Promise<QuarantineResult> {
  if (!/^[0-9a-f]{32}$/.test(order.name)) throw new RangeError('a quarantine name is 32 hex digits');
  if (path.length === 0 || !isRelativePath(path)) return { kind: 'changed' };
  await mkdir(order.quarantineDir, { recursive: true, mode: 0o700 });
  await chmod(order.quarantineDir, 0o700);
  const move = new Move(order);
  const parent = openSourceFolder(root, parentOf(path));
  if (parent.kind === 'gone') return move.withoutOriginal();
  if (parent.kind === 'left_source') return { kind: 'changed' };
  if (parent.kind === 'unreadable') return { kind: 'read_only', code: parent.code };
  try {
    return await move.run(parent, nameOf(path));
  } finally {
    parent.close();
  }
}

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

class Move {
  private readonly order: QuarantineOrder;
  private readonly kept: string;

  constructor(order: QuarantineOrder) {
    this.order = order;
    this.kept = join(order.quarantineDir, order.name);
  }

  async run(parent: OpenFolder, name: Buffer): Promise<QuarantineResult> {
    const original = joinPath(parent.path, name);
    // A crash between taking the name away and removing it left the file aside: begin again from the start.
    await giveBack(this.asideIn(parent), original).catch(missing);
    const opened = await openOriginal(original);
    if (opened === 'gone') return this.withoutOriginal();
    if ('kind' in opened) return opened;
    try {
      // A hard link elsewhere is another entry of someone: it must not become 0400 with ours.
      const before = await opened.stat({ bigint: true });
      const ownInode = before.nlink === 1n && (await this.linkOriginal(original));
      const secured = ownInode ? await this.verify(opened) : await this.copy(opened);
      if (secured === undefined) {
        await this.discard();
        return { kind: 'changed' };
      }
      return await this.takeAway(parent, name, secured);
    } finally {
      await opened.close();
    }
  }

  /** The name is gone: ours from an earlier run that did not get to tell, or somebody else's doing. */
  async withoutOriginal(): Promise<QuarantineResult> {
    const sizeBytes = await this.keptSize();
    return sizeBytes === undefined ? { kind: 'gone' } : { kind: 'moved', sizeBytes };
  }

  /** Size of the quarantined file if it holds the expected content. */
  private async keptSize(): Promise<number | undefined> {
    const handle = await open(this.kept, readFlags).catch(missing);
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat();
      return (await sha512Of(handle)) === this.order.expectSha512 ? size : undefined;
    } finally {
      await handle.close();
    }
  }

  /** Gives the file's inode its second name. False where that cannot be (other file system, not our file). */
  private async linkOriginal(original: Buffer): Promise<boolean> {
    try {
      await link(original, this.kept);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EEXIST') {
        // An earlier run's: only its own leftovers have this name.
        await unlink(this.kept);
        return this.linkOriginal(original);
      }
      if (code === undefined || code === 'ENOENT' || code === 'ENOSPC') throw error;
      return false;
    }
  }

  /** The state of the linked file, if what was linked is what was opened and holds the expected content. */
  private async verify(opened: FileHandle): Promise<BigIntStats | undefined> {
    const before = await opened.stat({ bigint: true });
    const linked = await lstat(this.kept, { bigint: true });
    if (linked.ino !== before.ino || linked.dev !== before.dev) return undefined;
    const holds = (await sha512Of(opened)) === this.order.expectSha512;
    return holds && isSameState(before, await opened.stat({ bigint: true })) ? before : undefined;
  }

  /** Copies the content, durably, and returns the original's state if it held the expected content throughout. */
  private async copy(opened: FileHandle): Promise<BigIntStats | undefined> {
    const before = await opened.stat({ bigint: true });
    const partial = `${this.kept}.part`;
    const target = await open(partial, 'w', 0o600);
    try {
      const found = await sha512Of(opened, async (chunk) => {
        await target.writeFile(chunk);
      });
      await target.sync();
      if (found !== this.order.expectSha512) return undefined;
      if (!isSameState(before, await opened.stat({ bigint: true }))) return undefined;
      await rename(partial, this.kept);
      return before;
    } finally {
      await target.close();
      await unlink(partial).catch(missing);
    }
  }

  /**
   * Takes the name away if it still is the secured file. Unlink would delete whatever has the name at that moment;
   * rename keeps it, so it can be looked at and given back.
   */
  private async takeAway(parent: OpenFolder, name: Buffer, secured: BigIntStats): Promise<QuarantineResult> {
    const original = joinPath(parent.path, name);
    const aside = this.asideIn(parent);
    try {
      await rename(original, aside);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') return this.withoutOriginal();
      if (code !== 'EROFS' && code !== 'EACCES' && code !== 'EPERM') throw error;
      await this.discard();
      return { kind: 'read_only', code };
    }
    const taken = lstatSync(aside, { bigint: true });
    if (!isUntouched(secured, taken)) {
      await giveBack(aside, original);
      await this.discard();
      return { kind: 'changed' };
    }
    await unlink(aside);
    await chmod(this.kept, 0o400);
    await syncFolder(this.order.quarantineDir);
    return { kind: 'moved', sizeBytes: Number(secured.size) };
  }

  private asideIn(parent: OpenFolder): Buffer {
    return joinPath(parent.path, Buffer.from(`.holdfast-${this.order.name}`));
  }

  private async discard(): Promise<void> {
    await unlink(this.kept).catch(missing);
  }
}

/** Rename and link change ctime, so only what a write changes is compared. */
function isUntouched(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** Puts a file back under its name, unless a newer one took it meanwhile: then it keeps the name it has. */
async function giveBack(aside: Buffer, original: Buffer): Promise<void> {
  try {
    await link(aside, original);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return;
  }
  await unlink(aside);
}

async function openOriginal(
  original: Buffer,
): Promise<FileHandle | 'gone' | Exclude<QuarantineResult, { kind: 'moved' }>> {
  const found = lstatSync(original, { throwIfNoEntry: false });
  if (!found) return 'gone';
  if (!found.isFile()) return { kind: 'changed' };
  try {
    return await open(original, readFlags);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return 'gone';
    if (code === 'ELOOP') return { kind: 'changed' };
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'read_only', code };
    throw error;
  }
}

/** SHA-512 of a file from its start, lower-case hex; each chunk is handed on before the next is read. */
async function sha512Of(handle: FileHandle, onChunk?: (chunk: Buffer) => Promise<void>): Promise<string> {
  const digest = createHash('sha512');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return digest.digest('hex');
    const chunk = buffer.subarray(0, bytesRead);
    digest.update(chunk);
    await onChunk?.(chunk);
    position += bytesRead;
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
  await handle.close();
}

function missing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}
