import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Failure } from '../domain/failures.ts';
import type { EntryKind } from '../domain/records.ts';
import type { Filter, Skip } from './filter.ts';
import { openProblem } from './folder.ts';
import { kindOf, openSourceFolder, statInside, type Unavailable } from './open.ts';
import { isRelativePath, isWithin, namesOf } from './paths.ts';
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
  /** Leave out this path and all that comes before it in walk order. */
  readonly after?: Buffer;
  /** Only these paths and what is below them. A path that does not exist yields nothing. */
  readonly only?: readonly Buffer[];
}

/** How many entries are looked at before others may run. */
const chunkEntries = 256;

/**
 * Walks a source in the byte order of its paths, as an index has them ({@link Buffer.compare}): a folder before what is in
 * it, though `a-b` and `a.c` come between `a` and `a/x`. The root itself is not an item. Follows no link. Memory: the names
 * of the folders on the way to where it is. What vanishes meanwhile is left out.
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
  const walking = new Walk(root, filter, options);
  for (let items = await walking.next(); items !== undefined; items = await walking.next()) {
    for (const item of items) yield item;
    await setImmediate();
  }
  requirePresent(root);
}

/** A folder whose names are being visited. Names and prefix as one-byte characters: compact, and they compare as their bytes. */
interface Visited {
  readonly folder: Buffer;
  /** What each name is put behind to be a path: empty for the root, else the folder's path and `/`. */
  readonly prefix: string;
  readonly names: readonly string[];
  /** Names up to here were looked at. */
  lookedAt: number;
  /** What was looked at and not yielded yet, from `next` on, each with its name. */
  items: readonly Looked[];
  next: number;
  /** Folders that were yielded, but not what is in them: that sorts behind some of their neighbours. The next one last. */
  readonly deferred: (WalkEntry & { readonly name: string })[];
}

interface Looked {
  readonly name: string;
  readonly item: WalkItem;
}

class Walk {
  private readonly root: SourceRoot;
  private readonly filter: Filter;
  private readonly after: Buffer | undefined;
  private readonly only: readonly Buffer[] | undefined;
  private readonly folders: Visited[] = [];
  private found: WalkItem[] = [];

  constructor(root: SourceRoot, filter: Filter, { after, only }: WalkOptions) {
    this.root = root;
    this.filter = filter;
    this.after = after;
    this.only = only?.filter(isRelativePath);
    this.enter(Buffer.alloc(0));
  }

  /** Some more items, about {@link chunkEntries}; undefined after the last. */
  async next(): Promise<readonly WalkItem[] | undefined> {
    for (let at = this.folders.at(-1); at && this.found.length < chunkEntries; at = this.folders.at(-1)) {
      const isBelow = this.step(at);
      if (isBelow) await isBelow;
    }
    const found = this.found;
    this.found = [];
    return found.length > 0 ? found : undefined;
  }

  private step(at: Visited): Promise<void> | undefined {
    while (at.next === at.items.length && at.lookedAt < at.names.length) this.look(at);
    const met = at.items[at.next];
    const deferred = at.deferred.at(-1);
    if (deferred !== undefined && (met === undefined || `${deferred.name}/` < met.name)) {
      at.deferred.pop();
      if (deferred.skip) return this.wantedBelowSkipped(deferred.path, deferred.skip);
      this.enter(deferred.path);
    } else if (met === undefined) this.folders.pop();
    else {
      at.next++;
      const { name, item } = met;
      if (this.isVisible(item.path)) this.found.push(item);
      if (!item.error && (item.skip ? this.only : item.kind === 'dir')) at.deferred.push({ name, ...item });
    }
    return undefined;
  }

  /** Lists a folder and looks at the first of its names. */
  private enter(folder: Buffer): void {
    const prefix = folder.length === 0 ? '' : `${folder.toString('latin1')}/`;
    const opened = openSourceFolder(this.root, folder);
    if (opened.kind === 'gone') return;
    if (opened.kind !== 'folder') {
      this.found.push(problem(folder, opened));
      return;
    }
    try {
      const names = namesOnTheWay(this.only, folder) ?? readdirSync(opened.path, 'latin1');
      const visited = {
        ...{ folder, prefix, lookedAt: 0, items: [], next: 0, deferred: [] },
        names: names.sort().filter((name) => !this.isPassed(prefix + name)),
      };
      this.lookIn(visited, opened.path);
      this.folders.push(visited);
    } catch (error) {
      const found = openProblem(error);
      if (found.kind !== 'gone') this.found.push(problem(folder, found));
    } finally {
      opened.close();
    }
  }

  /** Looks at more names. The folder is opened anew: held open, a deep tree would need a descriptor per level. */
  private look(at: Visited): void {
    const opened = openSourceFolder(this.root, at.folder);
    if (opened.kind === 'folder') {
      try {
        this.lookIn(at, opened.path);
      } finally {
        opened.close();
      }
      return;
    }
    const names = at.names.slice(at.lookedAt);
    at.lookedAt = at.names.length;
    at.next = 0;
    at.items =
      opened.kind === 'gone'
        ? []
        : names.map((name) => ({ name, item: problem(Buffer.from(at.prefix + name, 'latin1'), opened) }));
  }

  private lookIn(at: Visited, openedPath: Buffer): void {
    const names = at.names.slice(at.lookedAt, at.lookedAt + chunkEntries);
    at.lookedAt += names.length;
    at.next = 0;
    const folderPath = `${openedPath.toString('latin1')}/`;
    at.items = names.flatMap((name) => {
      const item = this.lookAt(
        Buffer.from(at.prefix + name, 'latin1'),
        Buffer.from(folderPath + name, 'latin1'),
      );
      return item === undefined ? [] : [{ name, item }];
    });
  }

  /** @param openedPath names the same entry through its opened folder */
  private lookAt(path: Buffer, openedPath: Buffer): WalkItem | undefined {
    try {
      const stat = lstatSync(openedPath, { bigint: true, throwIfNoEntry: false });
      if (!stat) return undefined;
      const kind = kindOf(stat);
      const skip = this.filter.judge(path, kind, stat);
      return skip ? { path, kind, stat, skip } : { path, kind, stat };
    } catch (error) {
      const found = openProblem(error);
      return found.kind === 'gone' ? undefined : problem(path, found);
    }
  }

  /** A path that was asked for by name is told to be skipped, also when the reason is a folder above it. */
  private async wantedBelowSkipped(folder: Buffer, skip: Skip): Promise<void> {
    const wanted = this.only?.filter((path) => isWithin(path, folder) && !path.equals(folder)) ?? [];
    for (const path of wanted.sort(Buffer.compare)) {
      const found = await statInside(this.root, path);
      if ('stat' in found) this.found.push({ path, kind: found.kind, stat: found.stat, skip });
      else if (found.kind !== 'gone') this.found.push(problem(path, found));
    }
  }

  /** False for a folder that is only passed on the way to a wanted path or to the place to begin. */
  private isVisible(path: Buffer): boolean {
    if (this.after && path.compare(this.after) <= 0) return false;
    return !this.only || this.only.some((wanted) => isWithin(path, wanted));
  }

  /** True when an entry and all that may be below it come before the place to begin. */
  private isPassed(path: string): boolean {
    return this.after !== undefined && Buffer.from(`${path}0`, 'latin1').compare(this.after) <= 0;
  }
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

function problem(path: Buffer, found: Exclude<Unavailable, { kind: 'gone' }>): WalkProblem {
  return { path, error: { code: found.kind === 'unreadable' ? found.code : found.kind } };
}

function requirePresent(root: SourceRoot): void {
  const state = checkRoot(root);
  if (state !== 'present') throw new Failure('source_unavailable', { detail: state });
}
