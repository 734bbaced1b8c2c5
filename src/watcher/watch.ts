import { isUtf8 } from 'node:buffer';
import { lstatSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isFailure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { changesFilter, type Filter, hasOwnName, type Skip } from '../files/filter.ts';
import { insideOf } from '../files/folder.ts';
import { listNames } from '../files/list.ts';
import { statInside } from '../files/open.ts';
import { joinPath, parentOf } from '../files/paths.ts';
import { checkRoot, type SourceRoot } from '../files/root.ts';
import { walk } from '../files/walk.ts';
import { FolderPoller } from './folder-poller.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { OddNames } from './odd-names.ts';
import { type WatchProblem, watchLimit } from './problems.ts';
import { QuietPaths } from './quiet-paths.ts';

/**
 * A path that came to rest after something happened to it. `removed` may name a path that nobody knew (a short-lived
 * file) or a folder, which stands for all that was below it. `left_out` is as `removed`, of a name that the filter leaves
 * out: nobody's loss but where it was protected before. `changed` may name an entry that did not change.
 */
export interface WatchedPath {
  readonly path: Buffer;
  /** When it was last touched. */
  readonly at: Date;
  readonly event: 'changed' | 'removed' | 'left_out';
}

export interface SkippedPath {
  readonly path: Buffer;
  readonly at: Date;
  readonly skip: Skip;
}

export interface WatchOptions {
  readonly onPaths: (batch: readonly WatchedPath[]) => void;
  readonly onProblem: (problem: WatchProblem) => void;
  /** Touched entries that the filter leaves out. What is in a skipped folder is not watched and not told. */
  readonly onSkipped?: (batch: readonly SkippedPath[]) => void;
  /** How long nothing must happen to a path. Default 200. */
  readonly quietMs?: number;
  /** After this long a path that never rests is told all the same. Default 5,000. */
  readonly patienceMs?: number;
  /** How often the root's identity is checked, and folders that cannot be watched are looked at. Default 2,000. */
  readonly pollMs?: number;
  /** How many folders chokidar watches; the others get a lighter watch. Default: as many as it can bear. */
  readonly chokidarFolders?: number;
}

export interface SourceWatch {
  /** Ends the watch; what had not come to rest is not told. */
  close(): Promise<void>;
}

const groupMs = 20;
const batchLimit = 1_000;
/** How many folders are read before others may run. */
const readInARow = 32;
/** PATH_MAX without the closing NUL. */
const longestPathBytes = 4_095;

/**
 * Watches a source and tells each touched path once it is quiet. Resolves when all its folders are watched: what changes
 * from then on is told; what changed before is the caller's to find. It is a hint: the kernel may drop events, and then
 * the sweep finds the change.
 */
export async function watchSource(
  root: SourceRoot,
  filter: Filter,
  options: WatchOptions,
): Promise<SourceWatch> {
  const watch = new Watch(root, filter, options);
  await watch.start();
  return watch;
}

class Watch implements SourceWatch {
  private readonly root: SourceRoot;
  private readonly filter: Filter;
  private readonly options: WatchOptions;
  private readonly pollMs: number;
  private readonly quietMs: number;
  private readonly pending: QuietPaths;
  private readonly poller: FolderPoller;
  /** Inode of every watched folder. */
  private readonly folders = new Map<string, bigint>();
  private readonly oddNames = new OddNames();
  private foundAtStart: string[] = [];
  private readonly reported = new Set<string>();
  private folderWatcher: FolderWatcher | undefined;
  private isReady = false;
  private isAway = false;
  private isClosed = false;
  private flushTimer: NodeJS.Timeout | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  /** Work that reads folders; one at a time, in order. */
  private work: Promise<void> = Promise.resolve();

  constructor(root: SourceRoot, filter: Filter, options: WatchOptions) {
    this.root = root;
    this.filter = filter;
    this.options = options;
    this.pollMs = options.pollMs ?? 2_000;
    this.quietMs = options.quietMs ?? 200;
    this.pending = new QuietPaths(this.quietMs, options.patienceMs ?? 5_000);
    this.poller = new FolderPoller(root, filter, (key) => this.touch(key));
  }

  async start(): Promise<void> {
    await this.watchFolders();
    this.schedulePoll();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.flushTimer);
    clearTimeout(this.pollTimer);
    await this.unwatchFolders();
    await this.work;
  }

  private async watchFolders(): Promise<void> {
    this.isReady = false;
    this.reported.clear();
    if (isUtf8(this.root.realPath)) await this.startFolderWatcher();
    else this.poller.add('', false);
    await this.enqueue(() => this.noteOddNames());
    await this.enqueue(() => this.poller.poll());
    this.isReady = true;
  }

  private async startFolderWatcher(): Promise<void> {
    const handlers = {
      onTouched: (event: 'rename' | 'change', folder: string, name: string | null) =>
        this.touchInside(event, this.keyOf(folder), name),
      onFolder: (path: string) => this.foundFolder(this.keyOf(path)),
      onFolderGone: (path: string) => this.lostFolder(this.keyOf(path)),
      onError: (error: Error) => this.report(errorCode(error) ?? error.name),
      isSkipped: (path: string, stats: Stats) => this.isSkipped(this.keyOf(path), stats),
    };
    this.folderWatcher = new FolderWatcher(handlers, this.options.chokidarFolders);
    await this.folderWatcher.watchAll(this.root.realPath.toString());
  }

  private async unwatchFolders(): Promise<void> {
    await this.folderWatcher?.close();
    this.folderWatcher = undefined;
    this.pending.clear();
    this.folders.clear();
    this.oddNames.clear();
  }

  private isSkipped(key: string, stats: Stats): boolean {
    const stat = { dev: BigInt(stats.dev), size: 0n };
    return key !== '' && this.filter.judge(bytesOf(key), 'dir', stat) !== undefined;
  }

  private foundFolder(key: string): void {
    const stat = lstatSync(this.absolute(key), { bigint: true, throwIfNoEntry: false });
    if (!stat) return;
    this.folders.set(key, stat.ino);
    if (!this.isReady) {
      this.foundAtStart.push(key);
      return;
    }
    this.touch(key);
    this.enqueue(async () => {
      const names = await this.touchNames(key, new Set());
      // What came between this look and the begin of the kernel's watch is found by another look.
      setTimeout(() => this.enqueue(() => this.touchNames(key, names).then(() => undefined)), this.quietMs);
    });
  }

  private lostFolder(key: string): void {
    this.folders.delete(key);
    this.oddNames.forget(key);
    this.touch(key);
  }

  private touchInside(event: 'rename' | 'change', folder: string, name: string | null): void {
    // A name that came or went changes its folder's mtime too.
    if (event === 'rename' || name === null) this.touch(folder);
    if (name === null) return;
    if (name.includes('\ufffd')) this.enqueue(() => this.touchOddNames(folder));
    else this.touch(keyIn(folder, Buffer.from(name).toString('latin1')));
  }

  private touch(key: string): void {
    if (this.isClosed || this.isAway || key === '') return;
    this.pending.touch(key, performance.now());
    this.scheduleFlush();
  }

  private scheduleFlush(): void {
    if (this.flushTimer || this.isClosed) return;
    this.flushTimer = setTimeout(() => {
      this.enqueue(() => this.flush()).then(() => {
        this.flushTimer = undefined;
        if (this.pending.size > 0) this.scheduleFlush();
      });
    }, groupMs);
  }

  /** Looks at what is quiet and tells it. What could not be looked at for want of handles stays touched. */
  private async flush(): Promise<void> {
    const due = this.pending.takeDue(performance.now(), batchLimit);
    const clock = Date.now() - performance.now();
    const paths: WatchedPath[] = [];
    const skipped: SkippedPath[] = [];
    const parents = new Map<string, Skip | undefined>();
    try {
      for (const { key, touchedMs } of due) {
        const found = await this.look(bytesOf(key), new Date(clock + touchedMs), parents);
        if (this.isAway) return;
        if (found && 'skip' in found) skipped.push(found);
        else if (found) paths.push(found);
      }
    } catch (error) {
      for (const { key } of due) this.touch(key);
      throw error;
    }
    if (this.isClosed) return;
    if (paths.length > 0) this.options.onPaths(paths);
    if (skipped.length > 0) this.options.onSkipped?.(skipped);
  }

  /** Undefined for this program's own names, what is in a skipped folder, and when the source turns out to be away. */
  private async look(
    path: Buffer,
    at: Date,
    parents: Map<string, Skip | undefined>,
  ): Promise<WatchedPath | SkippedPath | undefined> {
    if (hasOwnName(path) || this.parentSkip(path, parents)) return undefined;
    const found = await statInside(this.root, path);
    if (found.kind === 'unreadable' && found.code.startsWith('source_')) {
      await this.wentAway();
      return undefined;
    }
    if (changesFilter(path)) this.rulesChanged(parentOf(path));
    if (found.kind === 'gone')
      return { path, at, event: this.filter.leavesOut(path) ? 'left_out' : 'removed' };
    const skip = 'stat' in found ? this.filter.judge(path, found.kind, found.stat) : undefined;
    if (skip) return { path, at, skip };
    if (found.kind === 'dir') this.adopt(path.toString('latin1'), found.stat.ino);
    return { path, at, event: 'changed' };
  }

  private parentSkip(path: Buffer, known: Map<string, Skip | undefined>): Skip | undefined {
    const key = parentOf(path).toString('latin1');
    if (!known.has(key)) known.set(key, this.filter.judgeParents(path));
    return known.get(key);
  }

  /** A touched folder that is not watched, or whose place another one took, gets its own watch. */
  private adopt(key: string, inode: bigint): void {
    if (this.isOdd(key)) {
      this.poller.add(key, true);
      return;
    }
    const known = this.folders.get(key);
    if (known === inode || !this.folderWatcher) return;
    const path = this.absolute(key).toString();
    if (known === undefined) this.folderWatcher.add(path);
    else this.folderWatcher.rewatch(path);
  }

  /** An ignore file or cache tag came, changed or went: what it let out may be in now. */
  private rulesChanged(folder: Buffer): void {
    this.filter.forget(folder);
    this.enqueue(async () => {
      const only = folder.length === 0 ? {} : { only: [folder] };
      for await (const item of walk(this.root, this.filter, only)) {
        if (!item.error && !item.skip) this.touch(item.path.toString('latin1'));
      }
    });
  }

  /** Touches a folder's entries, but for the known ones; returns all names there. */
  private async touchNames(folder: string, known: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const names = this.namesIn(folder);
    for (const name of names) if (!known.has(name)) this.touch(keyIn(folder, name));
    this.oddNames.keep(folder, names);
    return new Set(names);
  }

  private async touchOddNames(folder: string): Promise<void> {
    for (const name of this.oddNames.keep(folder, this.namesIn(folder))) this.touch(keyIn(folder, name));
  }

  /** At the start: what chokidar has no name for. */
  private async noteOddNames(): Promise<void> {
    const folders = this.foundAtStart;
    this.foundAtStart = [];
    for (const [index, folder] of folders.entries()) {
      if (index % readInARow === 0) await nextTurn();
      const names = this.namesIn(folder);
      this.oddNames.keep(folder, names);
      for (const key of names.map((name) => keyIn(folder, name)).filter((name) => this.isOdd(name)))
        if ((await statInside(this.root, bytesOf(key))).kind === 'dir') this.poller.add(key, false);
    }
  }

  /** None for a folder that cannot be read: its entry is told, and what is in it is for the sweep to judge. */
  private namesIn(folder: string): string[] {
    const names = listNames(this.root, bytesOf(folder));
    return Array.isArray(names) ? names : [];
  }

  /** True for what chokidar has no name for. */
  private isOdd(key: string): boolean {
    const path = this.absolute(key);
    return path.length > longestPathBytes || !isUtf8(path);
  }

  private schedulePoll(): void {
    if (this.isClosed) return;
    this.pollTimer = setTimeout(() => {
      this.enqueue(() => this.poll()).then(() => this.schedulePoll());
    }, this.pollMs);
  }

  private async poll(): Promise<void> {
    if (checkRoot(this.root) !== 'present') return this.wentAway();
    if (!this.isAway) return this.poller.poll();
    this.isAway = false;
    // Not awaited here: its own folder work comes after this.
    this.watchFolders().then(() => {
      if (!this.isClosed) this.options.onProblem({ kind: 'source_returned' });
    });
  }

  /** Forgets everything: the caller looks for what changed when the source is back. */
  private async wentAway(): Promise<void> {
    if (this.isAway) return;
    this.isAway = true;
    await this.unwatchFolders();
    this.options.onProblem({ kind: checkRoot(this.root) === 'changed' ? 'source_changed' : 'source_absent' });
  }

  private report(code: string): void {
    // Too long a name is the poller's.
    if (code === 'ENAMETOOLONG' || this.reported.has(code)) return;
    this.reported.add(code);
    this.options.onProblem(watchLimit(code) ?? { kind: 'watch_error', code });
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.work = this.work.then(async () => {
      if (this.isClosed) return;
      try {
        await step();
      } catch (error) {
        if (!isFailure(error)) throw error;
        // The poll tells when the source is away.
        if (error.code !== 'source_unavailable') this.report(error.code);
      }
      await nextTurn();
    });
    return this.work;
  }

  private absolute(key: string): Buffer {
    return joinPath(this.root.realPath, bytesOf(key));
  }

  /** chokidar's absolute path as a key. */
  private keyOf(path: string): string {
    return Buffer.from(path)
      .subarray(insideOf(this.root).length + 1)
      .toString('latin1');
  }
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}

function keyIn(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
