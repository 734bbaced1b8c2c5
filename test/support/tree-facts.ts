import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { errorCode } from '../../src/files/error-code.ts';
import { type SystemCalls, systemCalls } from '../../src/files/system-calls.ts';

/** What must come back of an entry. */
export interface EntryFacts {
  readonly kind: 'file' | 'folder' | 'link' | 'special';
  /** Permission bits, octal. */
  readonly mode: string;
  /** `<uid>:<gid>` */
  readonly owner: string;
  readonly mtimeNs: bigint;
  /** SHA-256 of a file's content with its size; where a link points, as hex. */
  readonly content: string;
  /** Name to value, both hex. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The first path of the same file; its own where there is no other. */
  readonly sameFileAs: string;
}

export interface TreeFacts {
  /** By path inside the tree, as one-byte characters; the tree's own folder is left out. */
  readonly entries: ReadonlyMap<string, EntryFacts>;
  /** How much of the disk the files take, bytes: holes take nothing. */
  readonly allocatedBytes: ReadonlyMap<string, number>;
}

/** Everything about a tree that a backup has to bring back, found with nothing of the program but system calls. */
export function treeFacts(root: string): TreeFacts {
  const entries = new Map<string, EntryFacts>();
  const allocatedBytes = new Map<string, number>();
  const firstOf = new Map<string, string>();
  const visit = (folder: Buffer, inside: string): void => {
    // Through a descriptor: a path could get too long.
    const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      for (const name of readdirSync(`/proc/self/fd/${descriptor}`, 'buffer').sort(Buffer.compare)) {
        const at = Buffer.concat([Buffer.from(`/proc/self/fd/${descriptor}/`), name]);
        const path = `${inside}${name.toString('latin1')}`;
        const stat = lstatSync(at, { bigint: true });
        const inode = `${stat.dev}/${stat.ino}`;
        if (!firstOf.has(inode)) firstOf.set(inode, path);
        entries.set(path, factsOf(at, stat, firstOf.get(inode) ?? path));
        if (stat.isFile()) allocatedBytes.set(path, Number(stat.blocks) * 512);
        if (stat.isDirectory()) visit(at, `${path}/`);
      }
    } finally {
      closeSync(descriptor);
    }
  };
  visit(Buffer.from(root), '');
  return { entries, allocatedBytes };
}

function factsOf(at: Buffer, stat: BigIntStats, sameFileAs: string): EntryFacts {
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'folder'
      : stat.isSymbolicLink()
        ? 'link'
        : 'special';
  const content =
    kind === 'file' ? contentOf(at) : kind === 'link' ? readlinkSync(at, 'buffer').toString('hex') : '';
  return {
    kind,
    mode: (stat.mode & 0o7777n).toString(8),
    owner: `${stat.uid}:${stat.gid}`,
    mtimeNs: stat.mtimeNs,
    content,
    attributes: kind === 'special' ? {} : attributesOf(at),
    sameFileAs: kind === 'file' ? sameFileAs : '',
  };
}

function contentOf(at: Buffer): string {
  const descriptor = openSync(at, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(1024 * 1024);
    for (;;) {
      const read = readSync(descriptor, chunk);
      if (read === 0) return `${hash.digest('hex')} ${fstatSync(descriptor).size}`;
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}

function attributesOf(at: Buffer): Record<string, string> {
  const calls = systemCalls() as SystemCalls;
  const hex = (value: Buffer): string => value.toString('hex');
  const names = namesOf(calls, at).sort(Buffer.compare);
  return Object.fromEntries(names.map((name) => [hex(name), hex(calls.attribute(at, name))]));
}

function namesOf(calls: SystemCalls, at: Buffer): Buffer[] {
  try {
    return calls.listAttributes(at);
  } catch (error) {
    // A file system without attributes.
    if (errorCode(error) === 'ENOTSUP') return [];
    throw error;
  }
}

/** In one line each what differs between two trees; empty when nothing does. */
export function differences(wanted: TreeFacts, found: TreeFacts): string[] {
  const paths = [...new Set([...wanted.entries.keys(), ...found.entries.keys()])].sort();
  const differing = paths.flatMap((path) => {
    const [a, b] = [wanted.entries.get(path), found.entries.get(path)];
    if (a === undefined || b === undefined) return [`${shown(path)}: ${a ? 'is missing' : 'is too much'}`];
    const names = Object.keys(a) as (keyof EntryFacts)[];
    return names
      .filter((name) => text(a[name]) !== text(b[name]))
      .map((name) => `${shown(path)}: ${name} is ${text(b[name])} instead of ${text(a[name])}`);
  });
  return [...differing, ...filledHoles(wanted, found)];
}

/** A block more or less is the file system's affair; a hole that was filled is not. */
const slackBytes = 64 * 1024;

function filledHoles(wanted: TreeFacts, found: TreeFacts): string[] {
  return [...wanted.allocatedBytes]
    .filter(([path, bytes]) => (found.allocatedBytes.get(path) ?? 0) > bytes + slackBytes)
    .map(([path, bytes]) => `${shown(path)}: takes ${found.allocatedBytes.get(path)} bytes, not ${bytes}`);
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each));

const shown = (path: string): string => JSON.stringify(path.length > 100 ? `…${path.slice(-100)}` : path);
