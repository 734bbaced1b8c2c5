import { isUtf8 } from 'node:buffer';

/**
 * The names per folder that are not UTF-8. chokidar gives U+FFFD for their invalid bytes, so an event says neither which
 * of them is meant nor that one is gone: all of them in that folder are looked at. Keys and names as one-byte characters.
 */
export class OddNames {
  private readonly folders = new Map<string, readonly string[]>();

  /** Remembers which of a folder's names are odd; returns those that are now or were before. */
  keep(folder: string, names: readonly string[]): ReadonlySet<string> {
    const before = this.folders.get(folder) ?? [];
    const now = names.filter((name) => !isUtf8(Buffer.from(name, 'latin1')));
    if (now.length > 0) this.folders.set(folder, now);
    else this.folders.delete(folder);
    return new Set([...before, ...now]);
  }

  forget(folder: string): void {
    this.folders.delete(folder);
  }

  clear(): void {
    this.folders.clear();
  }
}
