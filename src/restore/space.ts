import { lstatSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from '../files/paths.ts';
import type { RestoreIndex, RestoreRow, RestoreTotals, Selection } from './restore-index.ts';
import type { TargetTree } from './target-tree.ts';

/**
 * Failure `no_space` when the content does not fit into the target. What is there already, by name and size, is left
 * out of account, so that a restore that was stopped can go on; that is looked up only when room is short.
 */
export async function checkSpace(
  index: RestoreIndex,
  selection: Selection,
  totals: RestoreTotals,
  tree: TargetTree,
  sourceFolder: Buffer,
): Promise<void> {
  const free = tree.freeBytes;
  let needed = totals.bytes;
  if (needed <= free) return;
  for await (const row of index.rows(selection, 'tree')) {
    if (isThere(tree, sourceFolder, row)) needed -= row.version?.kind === 'file' ? row.version.sizeBytes : 0;
    if (needed <= free) return;
  }
  throw new Failure('no_space', { needed, free });
}

function isThere(tree: TargetTree, sourceFolder: Buffer, { path, version }: RestoreRow): boolean {
  if (version?.kind !== 'file' || path.length === 0 || !isRelativePath(path)) return false;
  const folder = tree.find(parentOf(joinPath(sourceFolder, path)));
  if (folder === undefined) return false;
  try {
    const found = lstatSync(joinPath(folder.path, nameOf(path)), { throwIfNoEntry: false });
    return found?.isFile() === true && found.size === version.sizeBytes;
  } finally {
    folder.release();
  }
}
