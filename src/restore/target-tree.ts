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
import { makeFolder } from '../files/make-folder.ts';
import { joinPath, namesOf, parentOf } from '../files/paths.ts';
import { descriptorPath, openPathOnly } from './descriptor.ts';
import { isDeviceName, isPartialName, isResumableName, numberedName } from './names.ts';

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
  /** Whether its file system belongs to Windows machines, where some names stand for devices. */
  readonly hasDeviceNames: boolean;
  /**
   * Whether something has exactly this name here, byte by byte. A name can lead to what is called otherwise where the file
   * system takes some for the same: `a` for `A`, or one Unicode form for another.
   */
  lists(name: Buffer): boolean;
  /** False when somebody moved it, perhaps out of the target. */
  isInPlace(): boolean;
  release(): void;
}

/**
 * The folder a restore writes into. Everything in it is reached by name from an open descriptor, one name at a time, and
 * no link is ever followed: what a link or file keeps from being made as a folder is made as `name (1)`, and so is what
 * the file system takes for another folder's name.
 *
 * Paths given are as the catalog has them, relative to the target; must be relative and without special names.
 */
export class TargetTree {
  private readonly root: OpenFolder;
  private readonly open = new Map<string, OpenFolder>();
  /** Every folder reached so far, by where it is. */
  private readonly reached = new Map<string, TargetFolder['origin']>();
  /** Large files in the making that were there, each with its folder as the catalog has it. */
  private readonly resumable: { readonly folder: Buffer; readonly name: Buffer }[] = [];

  private constructor(descriptor: number) {
    const hasDeviceNames = windowsFileSystems.has(statfsSync(descriptorPath(descriptor)).type);
    this.root = new OpenFolder(descriptor, Buffer.alloc(0), 'present', hasDeviceNames, undefined);
  }

  /** Opens the target, making it if need be (0700). Failures `target_unusable`, `target_is_link`. */
  static make(path: string): TargetTree {
    try {
      makeFolder(path);
      return TargetTree.open(path);
    } catch (error) {
      throw unusable(error);
    }
  }

  private static open(path: string): TargetTree {
    if (lstatSync(path).isSymbolicLink()) throw new Failure('target_is_link');
    return new TargetTree(openSync(path, folderFlags | constants.O_NOFOLLOW));
  }

  /** Opens the target if it is there. Failures `target_unusable`, `target_is_link`. */
  static openPresent(path: string): TargetTree | undefined {
    try {
      return TargetTree.open(path);
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

  /** Names the target itself: join names to it. */
  get path(): Buffer {
    return this.root.path;
  }

  /** Bytes that this user can still write; infinite where the file system does not know how much it holds. */
  get freeBytes(): number {
    const { bavail, bsize, blocks } = statfsSync(this.root.path);
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
  }

  /** The folder at `path`, made with all above it where missing (0700). Throws system errors. */
  folder(path: Buffer): TargetFolder {
    return this.reach(path, true) as TargetFolder;
  }

  /** The folder at `path` if it is there; makes nothing and removes nothing. */
  find(path: Buffer): TargetFolder | undefined {
    return this.reach(path, false);
  }

  /** Removes large files in the making that nothing of this restore went on with. */
  removeResumable(): void {
    for (const { folder, name } of this.resumable) {
      const found = this.find(folder);
      if (found === undefined) continue;
      try {
        removeFile(joinPath(found.path, name));
      } finally {
        found.release();
      }
    }
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
    for (let number = firstNumber(parent, name); number < maxNameAttempts; number++) {
      const candidate = numberedName(name, number, 'folder');
      const opened = this.openChild(parent, candidate, make);
      if (opened === 'absent') return undefined;
      if (opened === 'taken') continue;
      const actual = joinPath(parent.actual, candidate);
      const wanted = joinPath(parent.wanted, name);
      const folder = new OpenFolder(
        opened.descriptor,
        wanted,
        this.firstVisit(opened, wanted, actual, make),
        this.root.hasDeviceNames,
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
        const descriptor = openSync(path, folderFlags | constants.O_NOFOLLOW);
        if (made || this.isNamed(parent, name)) return { descriptor, made };
        closeSync(descriptor);
        return 'taken';
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

  private isNamed(parent: OpenFolder, name: Buffer): boolean {
    return this.reached.has(joinPath(parent.actual, name).toString('latin1')) || parent.lists(name);
  }

  private firstVisit(
    opened: { descriptor: number; made: boolean },
    wanted: Buffer,
    actual: Buffer,
    make: boolean,
  ): TargetFolder['origin'] {
    const key = actual.toString('latin1');
    const known = this.reached.get(key);
    if (known !== undefined) return known;
    const origin = opened.made ? 'made' : 'present';
    this.reached.set(key, origin);
    if (make && origin === 'present') this.removePartials(descriptorPath(opened.descriptor), wanted);
    return origin;
  }

  /** Removes what a killed restore left in a folder. A folder that cannot be listed is left as it is. */
  private removePartials(folder: Buffer, wanted: Buffer): void {
    for (const name of listed(folder) ?? []) {
      if (isResumableName(name)) this.resumable.push({ folder: wanted, name: Buffer.from(name) });
      if (isPartialName(name)) removeFile(joinPath(folder, Buffer.from(name)));
    }
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
  readonly hasDeviceNames: boolean;
  private readonly root: OpenFolder | undefined;
  private names: ReadonlySet<string> | undefined;
  private holders = 0;
  private retired = false;

  constructor(
    descriptor: number,
    wanted: Buffer,
    origin: TargetFolder['origin'],
    hasDeviceNames: boolean,
    place: { readonly root: OpenFolder; readonly actual: Buffer } | undefined,
  ) {
    this.descriptor = descriptor;
    this.path = descriptorPath(descriptor);
    this.wanted = wanted;
    this.origin = origin;
    this.hasDeviceNames = hasDeviceNames;
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

  lists(name: Buffer): boolean {
    const key = name.toString('latin1');
    if (this.names?.has(key)) return true;
    // It may have come since.
    const names = listed(this.path);
    // Who cannot list a folder must take the name's word.
    if (names === undefined) return true;
    this.names = new Set(names);
    return this.names.has(key);
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

/** Names in a folder, one character a byte; undefined where it cannot be listed. */
function listed(folder: Buffer): string[] | undefined {
  try {
    return readdirSync(folder, 'latin1');
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function removeFile(path: Buffer): void {
  try {
    if (lstatSync(path).isFile()) unlinkSync(path);
  } catch (error) {
    // Somebody else removed it, or it is not ours to remove.
    if (errorCode(error) === undefined) throw error;
  }
}

/** statfs(2): vfat, exFAT, NTFS in both drivers, and Windows shares in three. */
const windowsFileSystems: ReadonlySet<number> = new Set([
  0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x517b, 0xff534d42, 0xfe534d42,
]);

/** The first number a name is tried with: a device's name would be that device on the machine the folder belongs to. */
export function firstNumber({ hasDeviceNames }: Pick<TargetFolder, 'hasDeviceNames'>, name: Buffer): number {
  return hasDeviceNames && isDeviceName(name) ? 1 : 0;
}
