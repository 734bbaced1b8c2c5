import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type SystemCalls, systemCalls } from '../../src/files/system-calls.ts';
import { hasAttributes } from './attributes.ts';

const mebibyte = 1024 * 1024;
const second = 1_000_000_000n;

/** Bytes from one-byte characters. */
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Names that somebody's software once tripped over; each is legal on Linux. Bytes as one-byte characters. */
const oddNames = [
  ' ',
  ' leading and trailing ',
  '-rf',
  '--help',
  '--',
  'line\nbreak',
  'carriage\rreturn',
  'tab\there',
  '\x1b[31mred\x1b[0m',
  '\x01\x02\x7f',
  'back\\slash',
  '"double" \'single\' `tick`',
  '$(touch pwned) $HOME',
  '*?[a-z]{b,c}',
  '#comment',
  '%2e%2e%2fup',
  '...',
  '..name',
  'trailing.',
  'a:b|c<d>e',
  '~',
  'CON',
  'aux.txt',
  'NUL.tar.gz',
  'com1',
  '__proto__',
  'constructor',
  'n'.repeat(255),
  '\xe9'.repeat(255),
  'caf\xe9 in latin-1',
  '\xff\xfe',
  'cut \xc3',
  'lone surrogate \xed\xa0\x80',
  ...['right \u202e left', 'zero\u200bwidth', '👩‍👩‍👧‍👦', '\ufeffmark'].map((name) =>
    Buffer.from(name).toString('latin1'),
  ),
];

/** Names that differ on Linux and are one name elsewhere. */
const twins = ['README', 'readme', 'ReadMe', ...['caf\u00e9', 'cafe\u0301', 'Ma\u00df', 'MASS']];

const times: Readonly<Record<string, bigint>> = {
  '1901': -2_147_483_648n * second + 1n,
  '1960': -315_619_200n * second + 123_456_789n,
  'last of 1969': -1n,
  epoch: 0n,
  'first of 1970': 1n,
  '2038': 2_147_483_648n * second + 999_999_999n,
  '2200': 7_258_118_400n * second + 1n,
};

/** Permission bits of files, and of folders that have a file in them. */
const modes = [0o000, 0o200, 0o444, 0o555, 0o700, 0o777, 0o2755, 0o4755, 0o1644, 0o6711];
const folderModes = [0o000, 0o111, 0o500, 0o555, 0o777, 0o1777, 0o2775];

export interface NastyTree {
  /** Paths that are looked at and never opened, so they are in no backup; as one-byte characters. */
  readonly special: readonly string[];
}

/**
 * Fills an empty folder with everything that is hard to bring back. As root also with others' files.
 *
 * @param sparseBytes size of the file that is nearly all hole, at least 64 MiB
 */
export function makeNastyTree(folder: string, sparseBytes: number): NastyTree {
  const tree = new TreeMaker(folder);
  tree.names();
  tree.links();
  tree.hardlinks();
  tree.contents(sparseBytes);
  tree.deep();
  tree.attributes();
  tree.owners();
  const special = tree.special();
  // What stops others from writing comes after what is written, and times after everything.
  tree.modes();
  tree.times();
  return { special };
}

class TreeMaker {
  private readonly folder: Buffer;
  private readonly calls = systemCalls() as SystemCalls;
  private readonly isRoot = process.geteuid?.() === 0;

  constructor(folder: string) {
    this.folder = Buffer.from(folder);
  }

  names(): void {
    for (const [i, name] of oddNames.entries()) {
      // One in three a folder: each name costs a workflow.
      if (i % 3 === 0) this.write(`names/${name}/${name}`, `content ${i}`);
      else this.write(`names/${name}`, `content ${i}`);
    }
    for (const name of twins) this.write(`twins/${Buffer.from(name).toString('latin1')}`, name);
    this.mkdir('empty/folder/in a folder');
    this.write('empty/file', '');
    this.write('same/one', 'the same content');
    this.write('same/two', 'the same content');
  }

  links(): void {
    this.mkdir('links/down');
    this.write('links/down/target', 'target');
    const targets: Readonly<Record<string, string>> = {
      relative: 'down/target',
      up: '../links/down/target',
      folder: 'down',
      here: '.',
      parent: '..',
      absolute: '/etc/passwd',
      'absolute folder': '/',
      dangling: 'nowhere/at all',
      itself: 'itself',
      'loop a': 'loop b',
      'loop b': 'loop a',
      'odd target': 'caf\xe9\n\xff',
      'long target': 'x/'.repeat(2_000),
      'odd n\xe4me': 'down/target',
    };
    for (const [name, target] of Object.entries(targets)) {
      symlinkSync(bytes(target), this.at(`links/${name}`));
    }
  }

  hardlinks(): void {
    this.mkdir('hardlinks/elsewhere');
    this.write('hardlinks/first', 'one file of three names');
    linkSync(this.at('hardlinks/first'), this.at('hardlinks/second'));
    linkSync(this.at('hardlinks/first'), this.at('hardlinks/elsewhere/th\xefrd'));
    this.write('hardlinks/empty', '');
    linkSync(this.at('hardlinks/empty'), this.at('hardlinks/a further empty'));
    this.write('hardlinks/large', randomBytes(9 * mebibyte));
    linkSync(this.at('hardlinks/large'), this.at('hardlinks/elsewhere/large too'));
    // Equal, and yet not one file.
    this.write('hardlinks/equal', 'one file of three names');
  }

  contents(sparseBytes: number): void {
    this.write('contents/zeros', Buffer.alloc(3 * mebibyte));
    this.write('contents/one byte', 'x');
    for (const size of [4_096, mebibyte - 1, mebibyte, mebibyte + 1, 8 * mebibyte]) {
      this.write(`contents/of ${size}`, randomBytes(size));
    }
    this.write(
      'contents/in parts',
      Buffer.concat([randomBytes(9 * mebibyte), Buffer.alloc(mebibyte, 'text ')]),
    );
    this.sparse('contents/sparse', sparseBytes + 4_097, [0, 40 * mebibyte, sparseBytes]);
    this.sparse('contents/only a hole', 16 * mebibyte, []);
    this.sparse('contents/small with a hole', mebibyte, [mebibyte - 1]);
  }

  /** Folders in folders, to where no path can reach. */
  deep(): void {
    const name = 'd'.repeat(200);
    const script = `
      const { mkdirSync, writeFileSync, symlinkSync } = require('node:fs');
      process.chdir(process.argv[1]);
      for (let level = 0; level < 24; level++) { mkdirSync(process.argv[2]); process.chdir(process.argv[2]); }
      writeFileSync('leaf', 'far below');
      symlinkSync('leaf', 'link');`;
    execFileSync(process.execPath, ['-e', script, this.folder.toString(), name]);
  }

  attributes(): void {
    this.mkdir('attributes/folder');
    this.write('attributes/file', 'with attributes');
    this.write('attributes/folder/inside', 'without');
    if (!hasAttributes(this.folder.toString())) return;
    for (const path of ['attributes/file', 'attributes/folder']) {
      this.attribute(path, 'user.text', bytes('value'));
      this.attribute(path, 'user.empty', Buffer.alloc(0));
      this.attribute(path, 'user.bytes', Buffer.from([0, 255, 10]));
      this.attribute(path, Buffer.from('user.Zeichen Ü').toString('latin1'), bytes('\xe9'));
      this.attribute(path, 'user.long', randomBytes(1_500));
    }
    this.write('attributes/with an access list', 'for one more');
    this.attribute('attributes/with an access list', 'system.posix_acl_access', accessList);
    this.attribute('attributes/folder', 'system.posix_acl_default', accessList);
    this.write('attributes/capable', '#!/bin/sh\n');
    if (this.isRoot) this.attribute('attributes/capable', 'security.capability', bindLowPorts);
  }

  owners(): void {
    if (!this.isRoot) return;
    this.mkdir('owners/folder');
    this.write('owners/file', 'of somebody');
    this.write('owners/set-id', 'of somebody');
    symlinkSync('file', this.at('owners/link'));
    chownSync(this.at('owners/file'), 12_345, 54_321);
    chownSync(this.at('owners/folder'), 65_534, 0);
    chownSync(this.at('owners/set-id'), 12_345, 12_345);
    chmodSync(this.at('owners/set-id'), 0o6755);
    lchownSync(this.at('owners/link'), 4_000_000_000, 4_000_000_001);
  }

  special(): readonly string[] {
    this.mkdir('special');
    const script = `
      process.chdir(process.argv[1]);
      require('node:child_process').execFileSync('mkfifo', ['pipe']);
      require('node:net').createServer().listen('socket', () => process.exit());`;
    execFileSync(process.execPath, ['-e', script, this.at('special').toString()]);
    return ['special/pipe', 'special/socket'];
  }

  modes(): void {
    // Of what its owner may not read, only root has a backup.
    const readable = (needed: number) => (mode: number) => this.isRoot || (mode & needed) === needed;
    for (const mode of modes.filter(readable(0o400))) {
      const path = `modes/file ${mode.toString(8)}`;
      this.write(path, path);
      chmodSync(this.at(path), mode);
    }
    for (const mode of folderModes.filter(readable(0o500))) {
      const path = `modes/folder ${mode.toString(8)}`;
      this.write(`${path}/inside`, path);
      chmodSync(this.at(path), mode);
    }
  }

  times(): void {
    for (const [name, mtimeNs] of Object.entries(times)) {
      this.write(`times/file of ${name}`, name);
      this.write(`times/folder of ${name}/inside`, name);
      symlinkSync('nowhere', this.at(`times/link of ${name}`));
      for (const kind of ['file', 'folder', 'link']) {
        this.calls.setMtime(this.at(`times/${kind} of ${name}`), mtimeNs);
      }
    }
  }

  private at(path: string): Buffer {
    return Buffer.concat([this.folder, bytes(`/${path}`)]);
  }

  private mkdir(path: string): void {
    mkdirSync(this.at(path), { recursive: true });
  }

  private write(path: string, content: string | Buffer): void {
    this.mkdir(path.slice(0, path.lastIndexOf('/')));
    writeFileSync(this.at(path), content);
  }

  private attribute(path: string, name: string, value: Buffer): void {
    this.calls.setAttribute(this.at(path), bytes(name), value);
  }

  /** A file of that size with a few bytes at each of the places, and holes between. */
  private sparse(path: string, sizeBytes: number, places: readonly number[]): void {
    this.write(path, '');
    const descriptor = openSync(this.at(path), 'r+');
    for (const place of places) writeSync(descriptor, '!', place);
    ftruncateSync(descriptor, sizeBytes);
    closeSync(descriptor);
  }
}

/** acl(5) as linux/posix_acl_xattr.h stores it: owner rw, user 12345 r, group r, mask r, others nothing. */
const accessList = Buffer.concat([
  uint32(2),
  ...[
    [0x01, 6, 0xffff_ffff],
    [0x02, 4, 12_345],
    [0x04, 4, 0xffff_ffff],
    [0x10, 4, 0xffff_ffff],
    [0x20, 0, 0xffff_ffff],
  ].map(([tag = 0, permissions = 0, id = 0]) =>
    Buffer.concat([uint32(tag + permissions * 0x1_0000), uint32(id)]),
  ),
]);

/** capabilities(7), linux/capability.h: version 2, cap_net_bind_service permitted and effective. */
const bindLowPorts = Buffer.concat([0x0200_0001, 1 << 10, 0, 0, 0].map(uint32));

function uint32(value: number): Buffer {
  const bytesOf = Buffer.alloc(4);
  bytesOf.writeUInt32LE(value);
  return bytesOf;
}

/** Takes away a tree whatever its modes and however deep: Node's own rm cannot reach the end. */
export function removeTree(folder: string): void {
  execFileSync('chmod', ['-R', 'u+rwX', folder], { stdio: 'ignore' });
  execFileSync('rm', ['-rf', folder]);
}
