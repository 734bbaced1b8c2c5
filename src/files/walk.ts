import { type BigIntStats, lstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Failure } from '../domain/failures.ts';
import type { EntryKind } from '../domain/records.ts';
import type { Filter, Skip } from './filter.ts';
import { openProblem } from './folder.ts';
import { listNames } from './list.ts';
import { kindOf, openSourceFolder, statInside, type Unavailable } from './open.ts';
import { comparePaths, isRelativePath, isWithin, joinPath, namesOf } from './paths.ts';
import { checkRoot, type SourceRoot } from './root.ts';

/** An entry that was seen. With `skip` it is not taken, and nothing below it is looked at. */
interface WalkEntry {
  readonly path: Buffer;
  readonly kind: EntryKind;
  readonly stat: BigIntStats;
  readonly skip?: Skip;
  readonly error?: undefined;
}

/**
 * What could not be looked at: whatever is known at or below `path` is unreachable, not gone. `code` is the system's,
 * or `left_source`. The entry of an unreadable folder itself comes before its problem.
 */
interface WalkProblem {
  readonly path: Buffer;
  readonly error: { readonly code: string };
}

export type WalkItem = WalkEntry | WalkProblem;

export interface WalkOptions {
  /** Begin at this path (inclusive) and leave out all that comes before it in walk order. */
  readonly from?: Buffer;
  /** Only these paths and what is below them. A path that does not exist yields nothing. */
  readonly only?: readonly Buffer[];
}

/** How many entries are looked at before others may run. */
const chunkEntries = 256;

/**
 * Walks a source depth first, in byte order of the names, a folder before what is in it; the root itself is not an item.
 * Follows no link. Memory: the names of the folders on the way to where it is. What vanishes meanwhile is left out.
 *
 * Throws Failure `source_unavailable` when the source is away at the start or at the end: only a walk that ended
 * has shown that what it did not yield is gone.
 */
export async function* walk(
  root: SourceRoot,
  filter: Filter,
  options: WalkOptions = {},
): AsyncGenerator<WalkItem> {
  requirePresent(root);
  const only = options.only?.filter(isRelativePath);
  yield* walkFolder({ root, filter, from: options.from, only }, Buffer.alloc(0));
  requirePresent(root);
}

interface Walk {
  readonly root: SourceRoot;
  readonly filter: Filter;
  readonly from: Buffer | undefined;
  readonly only: readonly Buffer[] | undefined;
}

async function* walkFolder(walk: Walk, folder: Buffer): AsyncGenerator<WalkItem> {
  const names = await namesToVisit(walk, folder);
  if (!Array.isArray(names)) {
    if (names.kind !== 'gone') yield problem(folder, names);
    return;
  }
  for (let at = 0; at < names.length; at += chunkEntries) {
    if (at > 0) await setImmediate();
    // Opened anew for every chunk: held open, a deep tree would need a descriptor per level.
    for (const item of lookAt(walk, folder, names.slice(at, at + chunkEntries))) {
      if (item.error) {
        yield item;
        continue;
      }
      if (isVisible(walk, item.path)) yield item;
      if (item.skip) yield* wantedBelowSkipped(walk, item.path, item.skip);
      else if (item.kind === 'dir') yield* walkFolder(walk, item.path);
    }
  }
}

/** A path that was asked for by name is told to be skipped, also when the reason is a folder above it. */
async function* wantedBelowSkipped(walk: Walk, folder: Buffer, skip: Skip): AsyncGenerator<WalkItem> {
  for (const path of walk.only ?? []) {
    if (!isWithin(path, folder) || path.equals(folder)) continue;
    const found = await statInside(walk.root, path);
    if ('stat' in found) yield { path, kind: found.kind, stat: found.stat, skip };
    else if (found.kind !== 'gone') yield problem(path, found);
  }
}

/** Names as one-byte characters, sorted by their bytes. */
async function namesToVisit(walk: Walk, folder: Buffer): Promise<string[] | Unavailable> {
  const names = namesOnTheWay(walk.only, folder) ?? (await listNames(walk.root, folder));
  if (!Array.isArray(names)) return names;
  return names.sort().filter((name) => !isBefore(walk.from, childPath(folder, name)));
}

/** Inside none of the wanted paths yet: the names that lead to them. Undefined when everything here is wanted. */
function namesOnTheWay(only: readonly Buffer[] | undefined, folder: Buffer): string[] | undefined {
  if (!only || only.some((wanted) => isWithin(folder, wanted))) return undefined;
  const depth = namesOf(folder).length;
  const names = only
    .filter((wanted) => isWithin(wanted, folder))
    .map((wanted) => (namesOf(wanted)[depth] as Buffer).toString('latin1'));
  return [...new Set(names)];
}

/** False for a folder that is only passed on the way to a wanted path or to the place to begin. */
function isVisible({ from, only }: Walk, path: Buffer): boolean {
  if (from && comparePaths(path, from) < 0) return false;
  return !only || only.some((wanted) => isWithin(path, wanted));
}

/** True when an entry and all below it come before the place to begin. */
function isBefore(from: Buffer | undefined, path: Buffer): boolean {
  return from !== undefined && comparePaths(path, from) < 0 && !isWithin(from, path);
}

function lookAt(walk: Walk, folder: Buffer, names: readonly string[]): WalkItem[] {
  const opened = openSourceFolder(walk.root, folder);
  if (opened.kind === 'gone') return [];
  if (opened.kind !== 'folder') return names.map((name) => problem(childPath(folder, name), opened));
  try {
    return names.flatMap((name) => lookAtOne(walk, opened.path, folder, name) ?? []);
  } finally {
    opened.close();
  }
}

function lookAtOne(walk: Walk, openedPath: Buffer, folder: Buffer, name: string): WalkItem | undefined {
  const path = childPath(folder, name);
  try {
    const stat = lstatSync(joinPath(openedPath, Buffer.from(name, 'latin1')), {
      bigint: true,
      throwIfNoEntry: false,
    });
    if (!stat) return undefined;
    const kind = kindOf(stat);
    const skip = walk.filter.judge(path, kind, stat);
    return skip ? { path, kind, stat, skip } : { path, kind, stat };
  } catch (error) {
    const found = openProblem(error);
    return found.kind === 'gone' ? undefined : problem(path, found);
  }
}

function problem(path: Buffer, found: Exclude<Unavailable, { kind: 'gone' }>): WalkProblem {
  return { path, error: { code: found.kind === 'unreadable' ? found.code : found.kind } };
}

function childPath(folder: Buffer, name: string): Buffer {
  return joinPath(folder, Buffer.from(name, 'latin1'));
}

function requirePresent(root: SourceRoot): void {
  const state = checkRoot(root);
  if (state !== 'present') throw new Failure('source_unavailable', { detail: state });
}
