import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FSWatcher } from 'chokidar';
import { PlainFolders } from './plain-folders.ts';

type ReadArguments = Parameters<FSWatcher['_readdirp']>;

export interface FolderWatcherHandlers {
  /**
   * Something happened to `name` in `folder`; null when the kernel did not say which. Invalid bytes are U+FFFD.
   * `rename`: it came or went; `change`: its content or metadata.
   */
  readonly onTouched: (event: 'rename' | 'change', folder: string, name: string | null) => void;
  /** A folder was found: at the start, or new. Its watch begins only after this call. */
  readonly onFolder: (path: string) => void;
  readonly onFolderGone: (path: string) => void;
  readonly onError: (error: Error) => void;
  /** Whether a folder is not to be watched. `stats` is its lstat. */
  readonly isSkipped: (path: string, stats: Stats) => boolean;
}

/** More folders than these are watched without chokidar; and so many in all, which take 250 MB of memory. */
const mostByChokidar = 4_000;
const mostPlain = 120_000;

/**
 * chokidar watching folders only: one kernel watch per folder, not per file. Its `raw` events name the files, and come
 * without its throttling, which drops a change within 50 ms of another. (One watch per file costs twice the memory, and
 * with 10,000 files in a folder, ten writes a second cost a whole core, because each makes chokidar lstat them all.)
 * Of a large source the first folders only; {@link PlainFolders} has the others. All paths are absolute.
 */
export class FolderWatcher extends FSWatcher {
  private readonly plain: PlainFolders;

  constructor(handlers: FolderWatcherHandlers, mostFolders = mostByChokidar) {
    const plain = new PlainFolders(handlers, mostPlain);
    const byChokidar = new Set<string>();
    /** Asked more than once for a folder. */
    const isForOthers = (path: string): boolean => {
      if (byChokidar.has(path)) return false;
      if (byChokidar.size >= mostFolders) {
        plain.add(path);
        return true;
      }
      byChokidar.add(path);
      return false;
    };
    super({
      followSymlinks: false,
      ignorePermissionErrors: true,
      // Its delays and its list of editors' temporary names are not wanted: nothing may be left out.
      atomic: false,
      ignored: (path, stats) => {
        if (stats === undefined) return false;
        if (!stats.isDirectory() || isForOthers(path)) return true;
        // A directory entry instead of a full stat: asked again with the stat before the folder is watched.
        return 'dev' in stats && handlers.isSkipped(path, stats);
      },
    });
    this.plain = plain;
    this.on('raw', (event, name, details) => {
      const { watchedPath } = details as { watchedPath: string };
      handlers.onTouched(event as 'rename' | 'change', watchedPath, (name as string | null) ?? null);
    });
    this.on('addDir', (path) => handlers.onFolder(path));
    this.on('unlinkDir', (path) => {
      byChokidar.delete(path);
      plain.forget(path);
      handlers.onFolderGone(path);
    });
    this.on('error', (error) => handlers.onError(error as Error));
  }

  /** Watches a folder and all below it. Resolves when that is so. */
  async watchAll(path: string): Promise<void> {
    const ready = new Promise<void>((resolve) => this.once('ready', resolve));
    this.add(path);
    await ready;
    await this.plain.settled();
  }

  /** Watches what is now at the path of a known folder: chokidar goes on watching the folder that was there. */
  rewatch(path: string): void {
    if (this.plain.has(path)) this.plain.rewatch(path);
    else {
      this._remove(dirname(path), basename(path), true);
      this.add(path);
    }
  }

  override close(): Promise<void> {
    this.plain.close();
    return super.close();
  }

  /** Reads names and types only: chokidar asks for the lstat of every entry each time a folder changes. */
  override _readdirp(...[root, options]: ReadArguments): ReturnType<FSWatcher['_readdirp']> {
    const isWanted = options?.directoryFilter as (entry: object) => boolean;
    return super._readdirp(root, {
      ...options,
      type: 'directories',
      alwaysStat: false,
      directoryFilter: (entry) => isWanted(Object.assign(entry, { stats: entry.dirent })),
    });
  }
}
