import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FSWatcher } from 'chokidar';

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

/**
 * chokidar watching folders only: one kernel watch per folder, not per file. Its `raw` events name the files, and come
 * without its throttling, which drops a change within 50 ms of another. (One watch per file costs twice the memory, and
 * with 10,000 files in a folder, ten writes a second cost a whole core, because each makes chokidar lstat them all.)
 * All paths are absolute.
 */
export class FolderWatcher extends FSWatcher {
  constructor(handlers: FolderWatcherHandlers) {
    super({
      followSymlinks: false,
      ignorePermissionErrors: true,
      // Its delays and its list of editors' temporary names are not wanted: nothing may be left out.
      atomic: false,
      ignored: (path, stats) => {
        if (stats === undefined) return false;
        if (!stats.isDirectory()) return true;
        // A directory entry instead of a full stat: asked again with the stat before the folder is watched.
        return 'dev' in stats && handlers.isSkipped(path, stats);
      },
    });
    this.on('raw', (event, name, details) => {
      const { watchedPath } = details as { watchedPath: string };
      handlers.onTouched(event as 'rename' | 'change', watchedPath, (name as string | null) ?? null);
    });
    this.on('addDir', (path) => handlers.onFolder(path));
    this.on('unlinkDir', (path) => handlers.onFolderGone(path));
    this.on('error', (error) => handlers.onError(error as Error));
  }

  /** Watches what is now at the path of a known folder: chokidar goes on watching the folder that was there. */
  rewatch(path: string): void {
    this._remove(dirname(path), basename(path), true);
    this.add(path);
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
