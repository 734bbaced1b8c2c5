import type { Filter } from '../files/filter.ts';
import type { SourceRoot } from '../files/root.ts';
import { walk } from '../files/walk.ts';

/**
 * Finds changes by looking again: for the few folders that chokidar cannot name, because their name is not UTF-8 or
 * their absolute path too long. Keys are paths as one-byte characters.
 */
export class FolderPoller {
  private readonly root: SourceRoot;
  private readonly filter: Filter;
  private readonly onTouched: (key: string) => void;
  /** Per folder, the state of everything below it as it was last seen; undefined before the first look. */
  private readonly folders = new Map<string, Map<string, string> | undefined>();

  constructor(root: SourceRoot, filter: Filter, onTouched: (key: string) => void) {
    this.root = root;
    this.filter = filter;
    this.onTouched = onTouched;
  }

  /** `isNew`: what is in it now counts as touched, too. */
  add(key: string, isNew: boolean): void {
    if (!this.folders.has(key)) this.folders.set(key, isNew ? new Map() : undefined);
  }

  /** Looks at all folders once. Throws Failure `source_unavailable` as a walk does. */
  async poll(): Promise<void> {
    for (const [key, before] of this.folders) {
      const now = await this.look(key);
      if (before) {
        for (const [path, state] of now) if (before.get(path) !== state) this.onTouched(path);
        for (const path of before.keys()) if (!now.has(path)) this.onTouched(path);
      }
      // A folder that is gone; the root itself is no item of its walk.
      if (now.size === 0 && key !== '') this.folders.delete(key);
      else this.folders.set(key, now);
    }
  }

  private async look(key: string): Promise<Map<string, string>> {
    const seen = new Map<string, string>();
    for await (const item of walk(this.root, this.filter, { only: [Buffer.from(key, 'latin1')] })) {
      if (item.error || item.skip) continue;
      const { ino, size, mtimeNs, ctimeNs } = item.stat;
      seen.set(item.path.toString('latin1'), `${ino} ${size} ${mtimeNs} ${ctimeNs}`);
    }
    return seen;
  }
}
