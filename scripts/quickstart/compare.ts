import type { FileHandle } from 'node:fs/promises';
import { compileFilter } from '../../src/files/filter.ts';
import { openInside, readLinkInside, statInside } from '../../src/files/open.ts';
import { openRoot, type SourceRoot } from '../../src/files/root.ts';
import { walk } from '../../src/files/walk.ts';

export interface Comparison {
  /** Entries that are the same on both sides: kind, permissions, and content or link target. */
  readonly equal: number;
  /** Entries that differ because the original changed, or went, after `since`. */
  readonly changedSince: number;
  /** Restored entries that were not expected: their newest version is not protected, an earlier one is. */
  readonly older: number;
  /** What differs or is missing, by path inside the source. */
  readonly differences: readonly { readonly path: Buffer; readonly problem: string }[];
}

/**
 * Compares a restored tree with its source, entry by entry and byte by byte, knowing nothing of how either was made.
 *
 * @param expected paths inside the source (as latin1) that must have been restored
 */
export async function compareTrees(
  sourceFolder: string,
  restoredFolder: string,
  expected: ReadonlySet<string>,
  since: Date,
): Promise<Comparison> {
  const [source, restored] = await Promise.all([openRoot(sourceFolder), openRoot(restoredFolder)]);
  const count = { equal: 0, changedSince: 0, older: 0 };
  const differences: { path: Buffer; problem: string }[] = [];
  const missing = new Set(expected);
  const takeAll = compileFilter(restored, { ignoreFiles: false, cacheDirTags: false });
  for await (const { path } of walk(restored, takeAll)) {
    if (!missing.delete(path.toString('latin1'))) {
      count.older++;
      continue;
    }
    const problem = await differenceOf(source, restored, path);
    if (problem === undefined) count.equal++;
    else if (await hasChanged(source, path, since)) count.changedSince++;
    else differences.push({ path, problem });
  }
  for (const name of missing) {
    differences.push({ path: Buffer.from(name, 'latin1'), problem: 'was not restored' });
  }
  return { ...count, differences };
}

/** What is different about an entry; undefined when nothing is. */
async function differenceOf(a: SourceRoot, b: SourceRoot, path: Buffer): Promise<string | undefined> {
  const [left, right] = await Promise.all([statInside(a, path), statInside(b, path)]);
  if (!('stat' in left) || !('stat' in right)) return 'is not on both sides';
  if (left.kind !== right.kind) return `is a ${right.kind} instead of a ${left.kind}`;
  if (left.kind === 'link') return (await sameTarget(a, b, path)) ? undefined : 'links to something else';
  if ((left.stat.mode & permissions) !== (right.stat.mode & permissions)) return 'has other permissions';
  if (left.kind === 'file' && !(await sameContent(a, b, path))) return 'has other content';
  return undefined;
}

const permissions = 0o7777n;

async function hasChanged(source: SourceRoot, path: Buffer, since: Date): Promise<boolean> {
  const found = await statInside(source, path);
  return !('stat' in found) || found.stat.ctimeMs >= BigInt(since.getTime());
}

async function sameTarget(a: SourceRoot, b: SourceRoot, path: Buffer): Promise<boolean> {
  const [left, right] = await Promise.all([readLinkInside(a, path), readLinkInside(b, path)]);
  return left.kind === 'link' && right.kind === 'link' && left.target.equals(right.target);
}

async function sameContent(a: SourceRoot, b: SourceRoot, path: Buffer): Promise<boolean> {
  const opened = await Promise.all([openInside(a, path), openInside(b, path)]);
  try {
    const [left, right] = opened;
    return left.kind === 'file' && right.kind === 'file' && (await sameBytes(left.handle, right.handle));
  } finally {
    for (const one of opened) if (one.kind === 'file') await one.handle.close();
  }
}

const chunkBytes = 1024 * 1024;

async function sameBytes(a: FileHandle, b: FileHandle): Promise<boolean> {
  const [left, right] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  for (;;) {
    const [leftBytes, rightBytes] = await Promise.all([fill(a, left), fill(b, right)]);
    if (leftBytes !== rightBytes) return false;
    if (!left.subarray(0, leftBytes).equals(right.subarray(0, rightBytes))) return false;
    if (leftBytes < chunkBytes) return true;
  }
}

/** Reads on from where the handle is until the buffer is full or the file ends. */
async function fill(handle: FileHandle, buffer: Buffer): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
