import { createHash } from 'node:crypto';
import fs, {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { refusesTaking, takeAway } from '../../src/files/quarantine.ts';
import { openRoot } from '../../src/files/root.ts';
import { asOrdinaryUser, bytes, tempFolder } from './temp-tree.ts';

const name = '0123456789abcdef0123456789abcdef';
const sha512 = (content: string | Buffer) => createHash('sha512').update(content).digest('hex');
const infected = 'X5O!P%@AP infected';

async function setUp(content: string | Buffer = infected) {
  const folder = tempFolder();
  const source = join(folder, 'source');
  const parent = join(source, 'in');
  mkdirSync(parent, { recursive: true });
  const file = join(parent, 'virus.exe');
  writeFileSync(file, content);
  const root = await openRoot(source);
  const path = bytes('in/virus.exe');
  const order = { expectSha512: sha512(infected), name };
  return {
    ...{ folder, parent, file, aside: join(parent, `.holdfast-${name}`) },
    take: () => takeAway(root, path, order),
    refusal: () => refusesTaking(root, path),
  };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

test('the scanned file leaves its folder, and once it is gone it is gone', async () => {
  const one = await setUp();
  expect(await one.take()).toEqual({ kind: 'taken' });
  expect(readdirSync(one.parent)).toEqual([]);
  expect(await one.take()).toEqual({ kind: 'gone' });
  rmSync(one.parent, { recursive: true });
  expect(await one.take()).toEqual({ kind: 'gone' });
});

test('another hard link of the file keeps its mode and content', async () => {
  const one = await setUp();
  const other = join(one.folder, 'other');
  linkSync(one.file, other);
  chmodSync(other, 0o640);
  expect((await one.take()).kind).toBe('taken');
  expect(readFileSync(other, 'utf8')).toBe(infected);
  expect(statSync(other).mode & 0o777).toBe(0o640);
});

test.each([
  ['before it was looked at', ({ file, aside }: SetUp) => renameSync(file, aside), 'gone'],
  [
    'and something else has its name since',
    ({ file, aside }: SetUp) => {
      renameSync(file, aside);
      writeFileSync(file, 'newer');
    },
    'changed',
  ],
])('a crash that left the file aside %s is made good by the next run', async (_name, crash, kind) => {
  const one = await setUp();
  crash(one);
  expect(await one.take()).toEqual({ kind });
  expect(readdirSync(one.parent)).toEqual(kind === 'gone' ? [] : ['virus.exe']);
});

test('what a crash left aside that is not the scanned file gets its name back', async () => {
  const one = await setUp('a document');
  renameSync(one.file, one.aside);
  expect(await one.take()).toEqual({ kind: 'changed' });
  expect(readFileSync(one.file, 'utf8')).toBe('a document');
  expect(readdirSync(one.parent)).toEqual(['virus.exe']);
});

test('what is not the scanned content stays', async () => {
  const one = await setUp('clean by now');
  const { ino } = lstatSync(one.file);
  expect(await one.take()).toEqual({ kind: 'changed' });
  expect(readFileSync(one.file, 'utf8')).toBe('clean by now');
  expect(lstatSync(one.file)).toMatchObject({ ino, nlink: 1 });
  expect(readdirSync(one.parent)).toEqual(['virus.exe']);
});

test('a link or folder with that name stays', async () => {
  const one = await setUp();
  renameSync(one.file, join(one.folder, 'target'));
  symlinkSync(join(one.folder, 'target'), one.file);
  expect(await one.take()).toEqual({ kind: 'changed' });
  rmSync(one.file);
  mkdirSync(one.file);
  expect(await one.take()).toEqual({ kind: 'changed' });
  expect(existsSync(join(one.folder, 'target'))).toBe(true);
});

/** Runs something right before the next rename of the code under test: the worst moment for it to happen. */
function beforeNextRename(run: () => void): void {
  const { rename } = fsPromises;
  const restore = () => {
    fsPromises.rename = rename;
    syncBuiltinESMExports();
  };
  onTestFinished(restore);
  fsPromises.rename = (...paths) => {
    restore();
    run();
    return rename(...paths);
  };
  syncBuiltinESMExports();
}

test.each([
  [
    'a file that took the name',
    ({ folder, file }: SetUp) => {
      writeFileSync(join(folder, 'newer'), 'newer');
      renameSync(join(folder, 'newer'), file);
    },
    (file: string) => readFileSync(file, 'utf8') === 'newer',
  ],
  [
    'a file that was written in place, with its time put back',
    ({ file }: SetUp) => {
      const { atime, mtime } = statSync(file);
      writeFileSync(file, 'X5O!P%@AP harmless');
      utimesSync(file, atime, mtime);
    },
    (file: string) => readFileSync(file, 'utf8') === 'X5O!P%@AP harmless',
  ],
  [
    'a link that took the name',
    ({ file }: SetUp) => {
      rmSync(file);
      symlinkSync('/etc/hostname', file);
    },
    (file: string) => lstatSync(file).isSymbolicLink(),
  ],
  [
    'a folder that took the name',
    ({ file }: SetUp) => {
      rmSync(file);
      mkdirSync(join(file, 'in-it'), { recursive: true });
    },
    (file: string) => existsSync(join(file, 'in-it')),
  ],
])('%s at the last moment is given back', async (_name, change, isBack) => {
  const one = await setUp();
  beforeNextRename(() => change(one));
  expect(await one.take()).toEqual({ kind: 'changed' });
  expect(isBack(one.file)).toBe(true);
  expect(readdirSync(one.parent)).toEqual(['virus.exe']);
});

test('a folder that cannot be changed keeps its file, and that is told', async () => {
  const one = await setUp();
  chmodSync(one.folder, 0o755);
  chmodSync(one.parent, 0o555);
  expect(await asOrdinaryUser(() => one.take())).toEqual({ kind: 'refused', code: 'EACCES' });
  expect(readFileSync(one.file, 'utf8')).toBe(infected);
  chmodSync(one.parent, 0o755);
});

test('a read-only file system is noticed before anything is done', async () => {
  const one = await setUp();
  expect(one.refusal()).toBeUndefined();
  const { accessSync } = fs;
  fs.accessSync = () => {
    throw Object.assign(new Error('read-only'), { code: 'EROFS', syscall: 'access' });
  };
  syncBuiltinESMExports();
  const code = one.refusal();
  fs.accessSync = accessSync;
  syncBuiltinESMExports();
  expect(code).toBe('EROFS');
});
