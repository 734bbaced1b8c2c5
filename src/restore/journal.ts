import { hash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Id } from '../domain/records.ts';
import { errorCode } from '../files/error-code.ts';
import { joinPath } from '../files/paths.ts';

/** Characters of a line without its end. */
const lineLength = 22;
/** Lines are written this many at a time; what a kill takes with it is read and hashed once more. */
const linesAtOnce = 64;

/**
 * Files that a restore has verified, so that one that goes on after a kill need not hash them again: the file
 * `.holdfast-restore-<source id>` in the target, 0600, removed when a run comes to its end.
 *
 * Each line is 22 characters, the beginning of a SHA-256 in base64url over version, device, inode, size, modification and
 * change time of one file, and the machine's boot: whatever touched the file since, or a power cut, makes another line of
 * it, and a torn or foreign line never matches. It tells nothing about names or content.
 */
export class Journal {
  private readonly path: Buffer;
  private readonly bootId: string;
  private readonly known: Set<string>;
  private descriptor: number | undefined;
  private pending: string[] = [];

  private constructor(path: Buffer, bootId: string, known: Set<string>) {
    this.path = path;
    this.bootId = bootId;
    this.known = known;
  }

  /** Reads what an earlier run left. `folder` stands for the target. */
  static open(folder: Buffer, sourceId: Id): Journal {
    const path = joinPath(folder, Buffer.from(`.holdfast-restore-${sourceId}`));
    return new Journal(
      path,
      readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      readLines(path),
    );
  }

  /** Whether the file, as it is now, was found to hold the version's content. */
  has(version: Id, stat: BigIntStats): boolean {
    return this.known.size > 0 && this.known.has(this.line(version, stat));
  }

  /** Notes that the file, as it is now, holds the version's content. Without a journal only time is lost: no error. */
  add(version: Id, stat: BigIntStats): void {
    this.pending.push(this.line(version, stat));
    if (this.pending.length >= linesAtOnce) this.flush();
  }

  /** After a run that did not come to its end. */
  close(): void {
    this.flush();
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  /** After a run that came to its end: the next one has nothing to go on with. */
  remove(): void {
    this.pending = [];
    this.close();
    try {
      unlinkSync(this.path);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  private flush(): void {
    if (this.pending.length === 0) return;
    // A torn line before ours ends here.
    const lines = `\n${this.pending.join('\n')}\n`;
    this.pending = [];
    try {
      this.descriptor ??= openOurs(this.path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
      if (this.descriptor !== undefined) writeSync(this.descriptor, lines);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  private line(version: Id, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
    const facts = `${this.bootId} ${version} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    return hash('sha256', facts, 'base64url').slice(0, lineLength);
  }
}

/** Undefined for what somebody else could have put there to have files taken for verified. */
function openOurs(path: Buffer, flags: number): number | undefined {
  const descriptor = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  const { mode, uid, nlink } = fstatSync(descriptor);
  const isOurs =
    (mode & constants.S_IFMT) === constants.S_IFREG &&
    (mode & 0o077) === 0 &&
    uid === process.geteuid?.() &&
    nlink === 1;
  if (isOurs) return descriptor;
  closeSync(descriptor);
  return undefined;
}

function readLines(path: Buffer): Set<string> {
  let descriptor: number | undefined;
  try {
    descriptor = openOurs(path, constants.O_RDONLY);
    if (descriptor === undefined) return new Set();
    const lines = readFileSync(descriptor, 'latin1').split('\n');
    return new Set(lines.filter((line) => line.length === lineLength));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return new Set();
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
