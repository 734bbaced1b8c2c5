import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { joinPath, namesOf, parentOf } from '../files/paths.ts';
import { descriptorPath, openPathOnly } from './descriptor.ts';
import { isPartialName, numberedName } from './names.ts';

const folderFlags = openPathOnly | constants.O_DIRECTORY;
/** Open folders kept for the next file; each is one descriptor. */
const keptFolders = 64;
/** Names tried for one entry before it is given up. */
export const maxNameAttempts = 10_000;

/** A folder of the target, held open. Give it back with `release`. */
export interface TargetFolder {
  readonly descriptor: number;
  /** Names the folder itself, whatever is renamed around it: join names to it. */
  readonly path: Buffer;
  /** Where it is, relative to the target. */
  readonly actual: Buffer;
  /** Whether it was there before, or made by this restore. */
  readonly origin: 'present' | 'made';
  /** False when somebody moved it, perhaps out of the target. */
  isInPlace(): boolean;
  release(): void;
}

/**
 * The folder a restore writes into. Everything in it is reached by name from an open descriptor, one name at a time, and
 * no link is ever followed: what a link or file keeps from being made as a folder is made as `name (1)`.
 *
 * Paths given are as the catalog has them, relative to the target; must be relative and without special names.
 */
export class TargetTree {
  private readonly root: OpenFolder;
  private readonly open = new Map<string, OpenFolder>();
  /** Every folder reached so far, by where it is. */
  private readonly reached = new Map<string, TargetFolder['origin']>();

  private constructor(descriptor: number) {
    this.root = new OpenFolder(descriptor, Buffer.alloc(0), 'present', undefined);
  }

  /** Opens the target, making it if need be (0700). Failure `target_unusable`. */
  static make(path: string): TargetTree {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return new TargetTree(openSync(path, folderFlags));
    } catch (error) {
      throw unusable(error);
    }
  }

  /** Opens the target if it is there. Failure `target_unusable`. */
  static openPresent(path: string): TargetTree | undefined {
    try {
      return new TargetTree(openSync(path, folderFlags));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw unusable(error);
    }
  }

  /** What identifies the target on this machine. */
  get identity(): string {
    const { dev, ino } = fstatSync(this.root.descriptor, { bigint: true });
    return `${dev}:${ino}`;
  }

  /** Bytes that this user can still write. */
  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.root.path);
    return bavail * bsize;
  }

  /** The folder at `path`, made with all above it where missing (0700). Throws system errors. */
  folder(path: Buffer): TargetFolder {
    return this.reach(path, true) as TargetFolder;
  }

  /** The folder at `path` if it is there; makes nothing and removes nothing. */
  find(path: Buffer): TargetFolder | undefined {
    return this.reach(path, false);
  }

  close(): void {
    for (const folder of [...this.open.values(), this.root]) folder.retire();
    this.open.clear();
  }

  private reach(path: Buffer, make: boolean): TargetFolder | undefined {
    let folder = this.nearest(path);
    for (const name of namesOf(path.subarray(folder.wanted.length))) {
      if (name.length === 0) continue;
      let next: OpenFolder | undefined;
      try {
        next = this.child(folder, name, make);
      } finally {
        folder.release();
      }
      if (next === undefined) return undefined;
      folder = next;
    }
    return folder;
  }

  /** The deepest folder on the way to `path` that is open and still where it was, held. */
  private nearest(path: Buffer): OpenFolder {
    for (let at = path; at.length > 0; at = parentOf(at)) {
      const key = at.toString('latin1');
      const known = this.open.get(key);
      if (known === undefined) continue;
      this.open.delete(key);
      if (known.isInPlace()) {
        this.open.set(key, known);
        return known.hold();
      }
      known.retire();
    }
    return this.root.hold();
  }

  private child(parent: OpenFolder, name: Buffer, make: boolean): OpenFolder | undefined {
    for (let number = 0; number < maxNameAttempts; number++) {
      const candidate = numberedName(name, number, 'folder');
      const opened = this.openChild(parent, candidate, make);
      if (opened === 'absent') return undefined;
      if (opened === 'taken') continue;
      const actual = joinPath(parent.actual, candidate);
      const folder = new OpenFolder(
        opened.descriptor,
        joinPath(parent.wanted, name),
        this.firstVisit(opened, actual, make),
        { root: this.root, actual },
      );
      this.keep(folder);
      return folder.hold();
    }
    throw new Failure('no_free_name');
  }

  private openChild(
    parent: OpenFolder,
    name: Buffer,
    make: boolean,
  ): { descriptor: number; made: boolean } | 'absent' | 'taken' {
    const path = joinPath(parent.path, name);
    let made = false;
    for (;;) {
      try {
        return { descriptor: openSync(path, folderFlags | constants.O_NOFOLLOW), made };
      } catch (error) {
        const code = errorCode(error);
        // A file or a link has the name.
        if (code === 'ENOTDIR' || code === 'ELOOP') return 'taken';
        if (code !== 'ENOENT') throw error;
        if (!make) return 'absent';
      }
      try {
        mkdirSync(path, { mode: 0o700 });
        made = true;
      } catch (error) {
        // Whatever took the name just now is looked at in the next round.
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    }
  }

  private firstVisit(
    opened: { descriptor: number; made: boolean },
    actual: Buffer,
    make: boolean,
  ): TargetFolder['origin'] {
    const key = actual.toString('latin1');
    const known = this.reached.get(key);
    if (known !== undefined) return known;
    const origin = opened.made ? 'made' : 'present';
    this.reached.set(key, origin);
    if (make && origin === 'present') removePartials(descriptorPath(opened.descriptor));
    return origin;
  }

  private keep(folder: OpenFolder): void {
    this.open.set(folder.wanted.toString('latin1'), folder);
    if (this.open.size <= keptFolders) return;
    const [oldest] = this.open;
    if (oldest === undefined) return;
    this.open.delete(oldest[0]);
    oldest[1].retire();
  }
}

/** One open folder; its descriptor closes when it is retired and nobody holds it any more. */
class OpenFolder implements TargetFolder {
  readonly descriptor: number;
  readonly path: Buffer;
  /** Where the catalog has it. */
  readonly wanted: Buffer;
  readonly actual: Buffer;
  readonly origin: TargetFolder['origin'];
  private readonly root: OpenFolder | undefined;
  private holders = 0;
  private retired = false;

  constructor(
    descriptor: number,
    wanted: Buffer,
    origin: TargetFolder['origin'],
    place: { readonly root: OpenFolder; readonly actual: Buffer } | undefined,
  ) {
    this.descriptor = descriptor;
    this.path = descriptorPath(descriptor);
    this.wanted = wanted;
    this.origin = origin;
    this.actual = place?.actual ?? Buffer.alloc(0);
    this.root = place?.root;
  }

  isInPlace(): boolean {
    if (this.root === undefined) return true;
    try {
      const there = readlinkSync(this.path, 'buffer');
      return there.equals(below(readlinkSync(this.root.path, 'buffer'), this.actual));
    } catch (error) {
      // Too deep for the kernel to say where: it was reached name by name.
      if (errorCode(error) === 'ENAMETOOLONG') return true;
      throw error;
    }
  }

  hold(): this {
    this.holders++;
    return this;
  }

  release(): void {
    this.holders--;
    this.closeIfUnused();
  }

  retire(): void {
    this.retired = true;
    this.closeIfUnused();
  }

  private closeIfUnused(): void {
    if (this.retired && this.holders === 0) closeSync(this.descriptor);
  }
}

function unusable(error: unknown): unknown {
  const reason = errorCode(error);
  return reason === undefined ? error : new Failure('target_unusable', { reason });
}

function below(absolute: Buffer, path: Buffer): Buffer {
  const isFileSystemRoot = absolute.length === 1;
  return Buffer.concat([isFileSystemRoot ? Buffer.alloc(0) : absolute, Buffer.from('/'), path]);
}

/** Removes what a killed restore left in a folder. A folder that cannot be listed is left as it is. */
function removePartials(folder: Buffer): void {
  let names: string[];
  try {
    names = readdirSync(folder, 'latin1');
  } catch {
    return;
  }
  for (const name of names.filter(isPartialName)) {
    const path = joinPath(folder, Buffer.from(name));
    try {
      if (lstatSync(path).isFile()) unlinkSync(path);
    } catch {
      // Somebody else removed it, or it is not ours to remove.
    }
  }
}
