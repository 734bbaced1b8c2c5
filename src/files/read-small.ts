import { type BigIntStats, closeSync, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import type { RecordedAttributes } from '../domain/attributes.ts';
import { readAttributes } from './attributes.ts';
import { type Fingerprint, type FingerprintOptions, fingerprintSmall, isSameState } from './fingerprint.ts';
import { liesInside, type OpenFolder, openProblem } from './folder.ts';
import { goneOrAway, kindOf, openSourceFolder, readFlags, type Unavailable } from './open.ts';
import { isRelativePath, joinPath, nameOf, parentOf } from './paths.ts';
import type { SourceRoot } from './root.ts';

/** What one undisturbed look at an entry found. */
export type SmallRead =
  | { readonly kind: 'file'; readonly print: Fingerprint; readonly content: Buffer }
  | {
      readonly kind: 'dir' | 'link' | 'special';
      readonly stat: BigIntStats;
      readonly attributes: RecordedAttributes;
      /** Of a link. */
      readonly target?: Buffer;
    }
  | { readonly kind: 'changed' | 'too_large' }
  | Unavailable;

export interface SmallReadOptions {
  /** A larger file is `too_large`, and not read. Bytes, at most 8 MiB. */
  readonly maxBytes: number;
  readonly segmentSizeFor: FingerprintOptions['segmentSizeFor'];
}

/**
 * Reads entries inside a source, synchronously: for many small files that is cheaper than the thread pool. A folder is
 * opened and proven once for those of its entries that come in a row. Each file lies under the root's real path.
 */
export function* readSmall(
  root: SourceRoot,
  paths: Iterable<Buffer>,
  options: SmallReadOptions,
): Generator<SmallRead, void, undefined> {
  let folder: { readonly at: Buffer; readonly opened: OpenFolder } | undefined;
  try {
    for (const path of paths) {
      if (!isRelativePath(path)) {
        yield { kind: 'left_source' };
        continue;
      }
      const parent = parentOf(path);
      if (folder === undefined || !folder.at.equals(parent)) {
        folder?.opened.close();
        folder = undefined;
        const opened = openSourceFolder(root, parent);
        if (opened.kind !== 'folder') {
          yield opened;
          continue;
        }
        folder = { at: parent, opened };
      }
      yield look(root, joinPath(folder.opened.path, nameOf(path)), options);
    }
  } finally {
    folder?.opened.close();
  }
}

function look(root: SourceRoot, path: Buffer, options: SmallReadOptions): SmallRead {
  try {
    const stat = lstatSync(path, { bigint: true });
    return stat.isFile() ? lookAtFile(root, path, options) : lookUnopened(path, stat);
  } catch (error) {
    const problem = openProblem(error);
    return problem.kind === 'gone' ? goneOrAway(root) : problem;
  }
}

function lookAtFile(root: SourceRoot, path: Buffer, options: SmallReadOptions): SmallRead {
  const descriptor = openSync(path, readFlags);
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    if (!stat.isFile()) return { kind: 'changed' };
    if (!liesInside(root, descriptor)) return { kind: 'left_source' };
    if (stat.size > options.maxBytes) return { kind: 'too_large' };
    const read = fingerprintSmall(descriptor, options.segmentSizeFor);
    return 'print' in read ? { kind: 'file', ...read } : read;
  } finally {
    closeSync(descriptor);
  }
}

/** What is never opened: all of it between two equal looks. */
function lookUnopened(path: Buffer, stat: BigIntStats): SmallRead {
  const kind = kindOf(stat) as 'dir' | 'link' | 'special';
  const target = kind === 'link' ? readlinkSync(path, 'buffer') : undefined;
  const attributes = readAttributes(path);
  if (!isSameState(stat, lstatSync(path, { bigint: true }))) return { kind: 'changed' };
  return { kind, stat, attributes, ...(target === undefined ? {} : { target }) };
}
