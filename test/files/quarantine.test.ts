import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { moveToQuarantine } from '../../src/files/quarantine.ts';
import { openRoot } from '../../src/files/root.ts';
import { asOrdinaryUser, bytes, tempFolder } from './temp-tree.ts';

const name = '0123456789abcdef0123456789abcdef';
const sha512 = (content: string | Buffer) => createHash('sha512').update(content).digest('hex');
const infected = 'X5O!P%@AP infected';

async function setUp(content: string | Buffer = infected, folder = tempFolder()) {
  const source = join(folder, 'source');
  mkdirSync(join(source, 'in'), { recursive: true });
  const file = join(source, 'in/virus.exe');
  writeFileSync(file, content);
  const quarantineDir = join(folder, 'state/quarantine');
  const root = await openRoot(source);
  const order = { expectSha512: sha512(infected), quarantineDir, name };
  return {
    folder,
    source,
    file,
    quarantineDir,
    kept: join(quarantineDir, name),
    move: (change: Partial<typeof order> = {}) =>
      moveToQuarantine(root, bytes('in/virus.exe'), { ...order, ...change }),
  };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

function expectMoved({ file, kept, quarantineDir, source }: SetUp): void {
  expect(existsSync(file)).toBe(false);
  expect(readdirSync(join(source, 'in'))).toEqual([]);
  expect(readFileSync(kept, 'utf8')).toBe(infected);
  expect(statSync(kept).mode & 0o7777).toBe(0o400);
  expect(statSync(kept).nlink).toBe(1);
  expect(statSync(quarantineDir).mode & 0o7777).toBe(0o700);
  expect(readdirSync(quarantineDir)).toEqual([name]);
}

test('moves the file, keeps the inode, closes the folder', async () => {
  const one = await setUp();
  const { ino } = lstatSync(one.file);
  expect(await one.move()).toEqual({ kind: 'moved', sizeBytes: infected.length });
  expectMoved(one);
  expect(lstatSync(one.kept).ino).toBe(ino);
  expect(await one.move()).toEqual({ kind: 'moved', sizeBytes: infected.length });
});

test('copies to another file system', async () => {
  const one = await setUp();
  const shared = mkdtempSync('/dev/shm/holdfast-');
  onTestFinished(() => rmSync(shared, { recursive: true }));
  expect(statSync(shared).dev).not.toBe(statSync(one.file).dev);
  const quarantineDir = join(shared, 'quarantine');
  expect(await one.move({ quarantineDir })).toEqual({ kind: 'moved', sizeBytes: infected.length });
  expectMoved({ ...one, quarantineDir, kept: join(quarantineDir, name) });
});

test('another hard link of the file keeps its mode and content', async () => {
  const one = await setUp();
  linkSync(one.file, join(one.folder, 'other'));
  chmodSync(join(one.folder, 'other'), 0o640);
  expect((await one.move()).kind).toBe('moved');
  expectMoved(one);
  expect(statSync(join(one.folder, 'other')).mode & 0o777).toBe(0o640);
});

test.each([
  ['after the link', ({ file, kept }: SetUp) => linkSync(file, kept)],
  [
    'after the name was taken away',
    ({ file, kept }: SetUp) => {
      linkSync(file, kept);
      renameSync(file, join(file, `../.holdfast-${name}`));
    },
  ],
  ['in the middle of a copy', ({ kept }: SetUp) => writeFileSync(`${kept}.part`, 'X5O')],
  ['after a copy', ({ kept }: SetUp) => writeFileSync(kept, infected, { mode: 0o600 })],
])('a crash %s is made good by the next run', async (_name, crash) => {
  const one = await setUp();
  mkdirSync(one.quarantineDir, { recursive: true });
  crash(one);
  expect(await one.move()).toEqual({ kind: 'moved', sizeBytes: infected.length });
  rmSync(`${one.kept}.part`, { force: true });
  expectMoved(one);
});

test('what is not the scanned content stays', async () => {
  const one = await setUp('clean by now');
  expect(await one.move()).toEqual({ kind: 'changed' });
  expect(readFileSync(one.file, 'utf8')).toBe('clean by now');
  expect(lstatSync(one.file).nlink).toBe(1);
  expect(readdirSync(one.quarantineDir)).toEqual([]);
});

test('a link or folder with that name stays', async () => {
  const one = await setUp();
  renameSync(one.file, join(one.folder, 'target'));
  symlinkSync(join(one.folder, 'target'), one.file);
  expect(await one.move()).toEqual({ kind: 'changed' });
  rmSync(one.file);
  mkdirSync(one.file);
  expect(await one.move()).toEqual({ kind: 'changed' });
  expect(existsSync(join(one.folder, 'target'))).toBe(true);
});

test('a name that is gone is gone', async () => {
  const one = await setUp();
  rmSync(one.file);
  expect(await one.move()).toEqual({ kind: 'gone' });
  rmSync(join(one.source, 'in'), { recursive: true });
  expect(await one.move()).toEqual({ kind: 'gone' });
});

test('a file that took the name while the old one was checked stays', async () => {
  const one = await setUp();
  const sizeBytes = 256 * 1024 * 1024;
  truncateSync(one.file, 0);
  truncateSync(one.file, sizeBytes);
  writeFileSync(join(one.folder, 'newer'), 'newer');
  const moving = one.move({ expectSha512: sha512(Buffer.alloc(sizeBytes)) });
  await setTimeout(50);
  renameSync(join(one.folder, 'newer'), one.file);
  expect(await moving).toEqual({ kind: 'changed' });
  expect(readFileSync(one.file, 'utf8')).toBe('newer');
  expect(readdirSync(join(one.source, 'in'))).toEqual(['virus.exe']);
  expect(readdirSync(one.quarantineDir)).toEqual([]);
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
    'took the name',
    ({ folder, file }: SetUp) => {
      writeFileSync(join(folder, 'newer'), 'newer');
      renameSync(join(folder, 'newer'), file);
    },
    'newer',
  ],
  ['was written in place', ({ file }: SetUp) => writeFileSync(file, 'cleaned'), 'cleaned'],
])('what %s after the check is given back', async (_name, change, content) => {
  const one = await setUp();
  beforeNextRename(() => change(one));
  expect(await one.move()).toEqual({ kind: 'changed' });
  expect(readFileSync(one.file, 'utf8')).toBe(content);
  expect(readdirSync(join(one.source, 'in'))).toEqual(['virus.exe']);
  expect(readdirSync(one.quarantineDir)).toEqual([]);
});

test('a source that cannot be changed is told, and nothing is left in quarantine', async () => {
  const one = await setUp();
  chmodSync(one.folder, 0o755);
  chmodSync(join(one.source, 'in'), 0o555);
  mkdirSync(one.quarantineDir, { recursive: true });
  chownSync(
    one.quarantineDir,
    process.getuid?.() === 0 ? 65534 : (process.getuid?.() ?? 0),
    statSync(one.folder).gid,
  );
  const result = await asOrdinaryUser(() => one.move());
  expect(result).toEqual({ kind: 'read_only', code: 'EACCES' });
  expect(readFileSync(one.file, 'utf8')).toBe(infected);
  expect(readdirSync(one.quarantineDir)).toEqual([]);
  chmodSync(join(one.source, 'in'), 0o755);
});
