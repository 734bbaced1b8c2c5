import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { Failure } from '../../src/domain/failures.ts';
import { recordedRestore } from '../../src/restore/recorded-run.ts';
import { type RestoreRequest, restoreTree } from '../../src/restore/restore.ts';
import {
  countItem,
  emptySummary,
  type RestoredItem,
  restoreExitCode,
} from '../../src/restore/restored-item.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { usePostgres } from '../support/postgres.ts';
import { TestRepository } from './repository.ts';

const mebibyte = 1024 * 1024;
setFlagsFromString('--expose-gc');
const isRoot = process.getuid?.() === 0;

const postgres = usePostgres();
let catalog: Catalog;
/** As the tables' owner: for what no program of ours would write. */
let owner: pg.Pool;
let repository: TestRepository;

beforeAll(async () => {
  const { ownerUri, writerUri } = await postgres().database();
  catalog = new Catalog(await openPool({ uri: writerUri, maxConnections: 4 }));
  owner = await openPool({ uri: ownerUri, maxConnections: 1 });
});
afterAll(() => Promise.all([catalog.close(), owner.end()]));
beforeEach(async () => {
  repository = await new TestRepository(catalog).open();
});

/** Restores into a folder and gives the items by their path, one-byte characters. */
async function restore(
  to: string,
  request: Partial<RestoreRequest> = {},
): Promise<Map<string, RestoredItem>> {
  const items = new Map<string, RestoredItem>();
  for await (const item of restoreTree(repository.deps, { source: repository.source, to, ...request })) {
    expect(items.has(item.path.toString('latin1')), 'one item per entry').toBe(false);
    items.set(item.path.toString('latin1'), item);
  }
  return items;
}

const summaryOf = (items: Map<string, RestoredItem>) => [...items.values()].reduce(countItem, emptySummary);
const inSource = (to: string, ...path: string[]): string => join(to, repository.source, ...path);
const text = (file: string): string => readFileSync(file, 'utf8');
const mtimeNs = (file: string): bigint => lstatSync(file, { bigint: true }).mtimeNs;

function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.partial'),
  );
}

describe('what is restored', () => {
  test('files, empty ones too, with mode and time to the nanosecond, in their folders', async () => {
    await repository.add('docs', { kind: 'dir', mode: 0o751, mtimeNs: -300_000_000_123_456_789n });
    await repository.add('docs/deep', { kind: 'dir', mode: 0o500, mtimeNs: 1_000_000_000n });
    await repository.add('docs/deep/a.txt', { content: 'hello', mode: 0o640 });
    await repository.add('docs/old', { content: 'from 1960', mtimeNs: -315_619_199_876_543_211n });
    await repository.add('docs/empty', { content: '', mode: 0o400, mtimeNs: 0n });
    const to = tempFolder();
    const items = await restore(to);
    expect(summaryOf(items)).toMatchObject({ entries: 5, restored: 5, failed: 0 });
    expect(text(inSource(to, 'docs/deep/a.txt'))).toBe('hello');
    expect(statSync(inSource(to, 'docs/deep/a.txt')).mode & 0o7777).toBe(0o640);
    expect(mtimeNs(inSource(to, 'docs/deep/a.txt'))).toBe(1_700_000_000_123_456_789n);
    expect(mtimeNs(inSource(to, 'docs/old'))).toBe(-315_619_199_876_543_211n);
    expect(text(inSource(to, 'docs/empty'))).toBe('');
    expect(mtimeNs(inSource(to, 'docs/empty'))).toBe(0n);
    expect(statSync(inSource(to, 'docs')).mode & 0o7777).toBe(0o751);
    expect(mtimeNs(inSource(to, 'docs'))).toBe(-300_000_000_123_456_789n);
    expect(statSync(inSource(to, 'docs/deep')).mode & 0o7777).toBe(0o500);
    expect(mtimeNs(inSource(to, 'docs/deep'))).toBe(1_000_000_000n);
    expect(items.get('docs/old')?.target?.toString()).toBe(`${repository.source}/docs/old`);
  });

  test.runIf(isRoot)('owner and set-id bits, as root who asked for them', async () => {
    await repository.add('tool', { mode: 0o6755, uid: 1234, gid: 4321 });
    await repository.add('link', { kind: 'link', linkTarget: 'tool', uid: 1234, gid: 4321 });
    const unasked = tempFolder();
    expect((await restore(unasked)).get('tool')?.warnings).toEqual(['set_id_not_set']);
    const theirs = lstatSync(inSource(unasked, 'tool'));
    expect([theirs.uid, theirs.gid, theirs.mode & 0o7777]).toEqual([0, 0, 0o755]);
    const to = tempFolder();
    expect(summaryOf(await restore(to, { owner: true })).warnings).toEqual({});
    const tool = lstatSync(inSource(to, 'tool'));
    expect([tool.uid, tool.gid, tool.mode & 0o7777]).toEqual([1234, 4321, 0o6755]);
    expect(lstatSync(inSource(to, 'link')).uid).toBe(1234);
  });

  test.runIf(isRoot)('without the set-id bits where the owner cannot be given back', async () => {
    await repository.add('tool', { mode: 0o6755, uid: 1234, gid: 4321 });
    await repository.add('mine', { mode: 0o4755, uid: 65534, gid: process.getegid?.() ?? 0 });
    const to = tempFolder();
    execFileSync('chown', ['65534', to]);
    process.seteuid?.(65534);
    try {
      const items = await restore(to, { owner: true });
      expect(items.get('tool')).toMatchObject({
        result: 'restored',
        warnings: ['owner_not_set', 'set_id_not_set'],
      });
      expect(summaryOf(items).warnings).toEqual({ owner_not_set: 1, set_id_not_set: 1 });
      expect(restoreExitCode(summaryOf(items))).toBe(0);
    } finally {
      process.seteuid?.(0);
    }
    expect(statSync(inSource(to, 'tool')).mode & 0o7777).toBe(0o755);
    expect(statSync(inSource(to, 'mine')).mode & 0o7777).toBe(0o4755);
  });

  test('links as they were, never followed', async () => {
    const outside = tempFolder();
    writeFileSync(join(outside, 'secret'), 'outside');
    await repository.add('link', { kind: 'link', linkTarget: join(outside, 'secret'), mtimeNs: 5n });
    await repository.add('dangling', { kind: 'link', linkTarget: Buffer.from('no\xffwhere', 'latin1') });
    const to = tempFolder();
    await restore(to);
    expect(readlinkSync(inSource(to, 'link'))).toBe(join(outside, 'secret'));
    expect(mtimeNs(inSource(to, 'link'))).toBe(5n);
    expect(readlinkSync(inSource(to, 'dangling'), 'latin1')).toBe('no\xffwhere');
    expect(mtimeNs(join(outside, 'secret'))).not.toBe(5n);
  });

  test('hard links as hard links, and without their first path among themselves', async () => {
    const first = await repository.add('z-first', { content: 'shared' });
    await repository.add('a-second', { content: 'shared', sharing: first, hardlink: first.entryId });
    await repository.add('gone', { content: 'other' });
    const gone = repository.ids.entry(repository.sourceId, Buffer.from('gone'));
    await repository.add('y1', { content: 'other', hardlink: gone });
    await repository.add('y2', { content: 'other', hardlink: gone });
    await repository.add('changed', { content: 'newer', hardlink: first.entryId });
    await repository.add('gone', { outcome: 'deleted' });
    const to = tempFolder();
    const items = await restore(to);
    expect(summaryOf(items)).toMatchObject({ entries: 5, restored: 5 });
    const inode = (name: string): bigint => lstatSync(inSource(to, name), { bigint: true }).ino;
    expect(inode('a-second')).toBe(inode('z-first'));
    expect(inode('y1')).toBe(inode('y2'));
    expect(inode('changed')).not.toBe(inode('z-first'));
    expect(text(inSource(to, 'changed'))).toBe('newer');
    expect(existsSync(inSource(to, 'gone'))).toBe(false);
    expect(summaryOf(await restore(to))).toMatchObject({ unchanged: 5 });
    expect(inode('a-second')).toBe(inode('z-first'));
  });

  test('names that are not UTF-8, with newlines, of 255 bytes', async () => {
    const names = [Buffer.from('caf\xe9', 'latin1'), Buffer.from('a\nb'), Buffer.from('x'.repeat(255))];
    for (const name of names) await repository.add(name, { content: name });
    const to = tempFolder();
    expect(summaryOf(await restore(to))).toMatchObject({ restored: 3 });
    for (const name of names) {
      expect(readFileSync(Buffer.concat([Buffer.from(`${inSource(to)}/`), name])).equals(name)).toBe(true);
    }
  });

  test('paths far over 4,095 bytes', async () => {
    const folders = Array.from({ length: 20 }, (_, level) => `${level}`.padEnd(250, 'd'));
    const path = [...folders, 'leaf'].join('/');
    await repository.add(folders.join('/'), { kind: 'dir', mtimeNs: 7n });
    await repository.add(path, { content: 'deep' });
    const to = tempFolder();
    expect(summaryOf(await restore(to))).toMatchObject({ restored: 2, failed: 0 });
    // A process that changes into each folder in turn needs no long path.
    const script = `
      for (const name of process.argv.slice(1)) process.chdir(name);
      process.stdout.write(require('node:fs').readFileSync('leaf'));`;
    const node = [process.execPath, '-e', script, inSource(to), ...folders] as const;
    expect(execFileSync(node[0], node.slice(1), { encoding: 'utf8' })).toBe('deep');
    expect(summaryOf(await restore(to))).toMatchObject({ unchanged: 2 });
    execFileSync('rm', ['-rf', inSource(to)]);
  });

  test('one path with everything below it, and nothing beside it', async () => {
    for (const path of ['a/b', 'a/b-beside', 'a/b0', 'a']) await repository.add(path, { kind: 'dir' });
    await repository.add('a/b/c', { content: 'in' });
    await repository.add('a/b-beside/c', { content: 'out' });
    const to = tempFolder();
    expect([...(await restore(to, { path: Buffer.from('a/b') })).keys()].sort()).toEqual(['a/b', 'a/b/c']);
    expect(readdirSync(inSource(to, 'a'))).toEqual(['b']);
    expect([...(await restore(to, { path: Buffer.from('a/b/c') })).keys()]).toEqual(['a/b/c']);
  });

  test('more entries than one page holds, each once, folders after what is in them', async () => {
    // Twice the page's 1,000 entries and some, most of them of no interest to a pass.
    await owner.query(
      `insert into entries (id, source_id, path) select md5($1 || n), $1, convert_to('f' || n || '/x', 'UTF8')
       from generate_series(1, 2300) n`,
      [repository.sourceId],
    );
    const folders = Array.from({ length: 400 }, (_, index) => `f${index * 5}`);
    await Promise.all(folders.map((path) => repository.add(path, { kind: 'dir', mode: 0o500 })));
    await Promise.all(
      folders.map((path) => repository.add(`${path}/link`, { kind: 'link', linkTarget: 'x', mtimeNs: 9n })),
    );
    const to = tempFolder();
    expect(summaryOf(await restore(to))).toMatchObject({ entries: 3_100, restored: 800, missing: 2_300 });
    expect(readdirSync(inSource(to))).toHaveLength(400);
    for (const path of folders) expect(mtimeNs(inSource(to, path))).toBe(1_700_000_000_123_456_789n);
  });

  test('a duplicate from the object of another entry', async () => {
    const first = await repository.add('first', { content: 'same' });
    await repository.add('second', { content: 'same', sharing: first });
    const to = tempFolder();
    expect(summaryOf(await restore(to))).toMatchObject({ restored: 2 });
    expect(text(inSource(to, 'second'))).toBe('same');
  });
});

describe('which version is restored', () => {
  test('the newest protected one, told as older where the newest is not protected', async () => {
    await repository.add('file', { content: 'one' });
    await repository.add('file', { content: 'two' });
    await repository.add('held', { content: 'good' });
    await repository.add('held', { outcome: 'held' });
    await repository.add('infected', { content: 'clean once' });
    await repository.add('infected', { outcome: 'quarantined' });
    const to = tempFolder();
    const items = await restore(to);
    expect(text(inSource(to, 'file'))).toBe('two');
    expect(text(inSource(to, 'held'))).toBe('good');
    expect(items.get('file')?.older).toBeUndefined();
    expect(items.get('held')).toMatchObject({ result: 'restored', older: 'held' });
    expect(items.get('infected')).toMatchObject({ result: 'restored', older: 'quarantined' });
    expect(summaryOf(items)).toMatchObject({ older: 2, restored: 3 });
  });

  test('none of what was deleted, and what was never protected is told as missing', async () => {
    await repository.add('deleted', { content: 'x' });
    await repository.add('deleted', { outcome: 'deleted' });
    await repository.add('denied', { outcome: 'ignored', reason: 'rule' });
    await repository.add('fifo', { kind: 'special', outcome: 'ignored' });
    const to = tempFolder();
    const items = await restore(to);
    expect([...items.keys()].sort()).toEqual(['denied', 'fifo']);
    expect(items.get('denied')).toMatchObject({ result: 'missing', reason: 'ignored' });
    expect(items.get('fifo')).toMatchObject({ result: 'missing', kind: 'special' });
    expect(restoreExitCode(summaryOf(items))).toBe(0);
  });

  test('a source or path nobody knows is refused', async () => {
    const to = tempFolder();
    await expect(restore(to, { source: 'nobody' })).rejects.toMatchObject({ code: 'source_unknown' });
    await expect(restore(to, { path: Buffer.from('nothing') })).rejects.toMatchObject({
      code: 'path_unknown',
    });
    expect(readdirSync(to)).toEqual([]);
  });
});

describe('what is in the target already', () => {
  test('equal files are done, read from the store no more, and get their metadata again', async () => {
    await repository.add('file.txt', { content: 'same', mode: 0o600 });
    const to = tempFolder();
    mkdirSync(inSource(to));
    writeFileSync(inSource(to, 'file.txt'), 'same', { mode: 0o666 });
    repository.fault = () => {
      throw new Error('the store was asked');
    };
    const items = await restore(to);
    expect(items.get('file.txt')).toMatchObject({ result: 'unchanged' });
    expect(statSync(inSource(to, 'file.txt')).mode & 0o7777).toBe(0o600);
    expect(mtimeNs(inSource(to, 'file.txt'))).toBe(1_700_000_000_123_456_789n);
  });

  test('other files stay, ours get a number, and a second run finds them', async () => {
    await repository.add('file.txt', { content: 'ours' });
    await repository.add('link', { kind: 'link', linkTarget: 'ours' });
    await repository.add('dir', { kind: 'dir' });
    await repository.add('dir/x', { content: 'inside' });
    const to = tempFolder();
    mkdirSync(inSource(to));
    writeFileSync(inSource(to, 'file.txt'), 'mine');
    mkdirSync(inSource(to, 'file (1).txt'));
    symlinkSync('mine', inSource(to, 'link'));
    writeFileSync(inSource(to, 'dir'), 'a file');
    const items = await restore(to);
    expect(items.get('file.txt')).toMatchObject({ result: 'conflict' });
    expect(items.get('file.txt')?.target?.toString()).toBe(`${repository.source}/file (2).txt`);
    expect(text(inSource(to, 'file.txt'))).toBe('mine');
    expect(text(inSource(to, 'file (2).txt'))).toBe('ours');
    expect(readlinkSync(inSource(to, 'link'))).toBe('mine');
    expect(readlinkSync(inSource(to, 'link (1)'))).toBe('ours');
    expect(text(inSource(to, 'dir'))).toBe('a file');
    expect(text(inSource(to, 'dir (1)/x'))).toBe('inside');
    expect(items.get('dir')).toMatchObject({ result: 'conflict' });
    const before = readdirSync(inSource(to)).sort();
    expect(summaryOf(await restore(to))).toMatchObject({ unchanged: 4, conflict: 0, restored: 0 });
    expect(readdirSync(inSource(to)).sort()).toEqual(before);
  });

  test('a file with a further name elsewhere keeps its metadata', async () => {
    await repository.add('file', { content: 'same', mode: 0o600 });
    const to = tempFolder();
    const elsewhere = join(tempFolder(), 'original');
    writeFileSync(elsewhere, 'same', { mode: 0o644 });
    mkdirSync(inSource(to));
    linkSync(elsewhere, inSource(to, 'file'));
    const before = statSync(elsewhere, { bigint: true });
    expect((await restore(to)).get('file')).toMatchObject({ result: 'conflict' });
    const after = statSync(elsewhere, { bigint: true });
    expect([after.mode, after.mtimeNs]).toEqual([before.mode, before.mtimeNs]);
    expect(statSync(inSource(to, 'file (1)')).mode & 0o777).toBe(0o600);
  });

  test('leftovers of a killed restore go, files of that look elsewhere stay', async () => {
    await repository.add('dir/file', { content: 'x' });
    const to = tempFolder();
    mkdirSync(inSource(to, 'dir'), { recursive: true });
    mkdirSync(inSource(to, 'other'));
    const left = `.holdfast-${'a'.repeat(16)}.partial`;
    for (const folder of ['dir', 'other']) writeFileSync(inSource(to, folder, left), 'half');
    symlinkSync('x', inSource(to, 'dir', `.holdfast-${'b'.repeat(16)}.partial`));
    await restore(to);
    expect(existsSync(inSource(to, 'dir', left))).toBe(false);
    expect(existsSync(inSource(to, 'other', left))).toBe(true);
    expect(leftovers(inSource(to, 'dir'))).toHaveLength(1);
  });

  test('a dry run tells the same and touches nothing', async () => {
    await repository.add('same', { content: 'same' });
    await repository.add('other.txt', { content: 'ours' });
    await repository.add('dir/new', { content: 'new' });
    await repository.add('dir', { kind: 'dir' });
    const to = tempFolder();
    mkdirSync(inSource(to));
    writeFileSync(inSource(to, 'same'), 'same');
    writeFileSync(inSource(to, 'other.txt'), 'mine');
    const before = statSync(inSource(to), { bigint: true });
    const items = await restore(to, { dryRun: true });
    expect(Object.fromEntries([...items].map(([path, { result }]) => [path, result]))).toEqual({
      same: 'unchanged',
      'other.txt': 'conflict',
      'dir/new': 'restored',
      dir: 'restored',
    });
    expect(readdirSync(inSource(to)).sort()).toEqual(['other.txt', 'same']);
    expect(statSync(inSource(to), { bigint: true }).mtimeNs).toBe(before.mtimeNs);
    const nowhere = join(to, 'not', 'there');
    expect(summaryOf(await restore(nowhere, { dryRun: true }))).toMatchObject({ restored: 4 });
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe('nothing is written outside the target', () => {
  test('paths of a hostile catalog are refused, the others restored', async () => {
    const outside = tempFolder();
    const to = join(outside, 'target');
    const hostile = ['../x', '../../x', '/etc/x', 'a/../../../x', 'a//x', './x', 'x/', '', 'nul\0name'];
    for (const path of hostile) await repository.add(path, { content: 'evil', sealedPath: 'x' });
    await repository.add('..', { kind: 'dir' });
    await repository.add('../link', { kind: 'link', linkTarget: 'x' });
    await repository.add('badlink', { kind: 'link', linkTarget: Buffer.alloc(0) });
    await repository.add('fine', { content: 'fine' });
    const items = await restore(to);
    expect(summaryOf(items)).toMatchObject({ restored: 1, failed: hostile.length + 3, damaged: 0 });
    for (const path of hostile) expect(items.get(path)).toMatchObject({ reason: 'unsafe_path' });
    expect(restoreExitCode(summaryOf(items))).toBe(3);
    expect(readdirSync(outside)).toEqual(['target']);
    expect(readdirSync(to)).toEqual([repository.source]);
    expect(readdirSync(inSource(to))).toEqual(['fine']);
  });

  test('a source name that is a path is refused', async () => {
    await owner.query('update sources set name = $2 where id = $1', [repository.sourceId, '../evil']);
    await repository.add('x');
    await expect(restore(tempFolder(), { source: '../evil' })).rejects.toMatchObject({
      code: 'source_unknown',
    });
  });

  test('links planted as folder or file are not followed', async () => {
    await repository.add('dir', { kind: 'dir', mode: 0o700, mtimeNs: 1n });
    await repository.add('dir/file', { content: 'inside' });
    await repository.add('file', { content: 'ours' });
    const outside = tempFolder();
    writeFileSync(join(outside, 'victim'), 'ours');
    const to = tempFolder();
    mkdirSync(inSource(to));
    symlinkSync(outside, inSource(to, 'dir'));
    symlinkSync(join(outside, 'victim'), inSource(to, 'file'));
    const items = await restore(to);
    expect(items.get('dir/file')?.target?.toString()).toBe(`${repository.source}/dir (1)/file`);
    expect(items.get('file')).toMatchObject({ result: 'conflict' });
    expect(readdirSync(outside)).toEqual(['victim']);
    expect(statSync(outside, { bigint: true }).mtimeNs).not.toBe(1n);
    expect(mtimeNs(join(outside, 'victim'))).not.toBe(1_700_000_000_123_456_789n);
  });

  test('the source folder itself planted as a link is not followed', async () => {
    await repository.add('file', { content: 'ours' });
    const outside = tempFolder();
    const to = tempFolder();
    symlinkSync(outside, inSource(to));
    await restore(to);
    expect(readdirSync(outside)).toEqual([]);
    expect(text(join(to, `${repository.source} (1)`, 'file'))).toBe('ours');
  });

  test('a folder swapped for a link, or moved away, while its files are on their way', async () => {
    const outside = tempFolder();
    const to = tempFolder();
    for (let index = 0; index < 40; index += 1) await repository.add(`dir/${index}`, { content: `${index}` });
    let requests = 0;
    repository.fault = ({ operation, moment }) => {
      if (operation !== 'get' || moment !== 'before') return;
      requests += 1;
      if (requests !== 20) return;
      renameSync(inSource(to, 'dir'), join(outside, 'taken'));
      symlinkSync(outside, inSource(to, 'dir'));
    };
    const items = await restore(to);
    const { restored, failed } = summaryOf(items);
    expect(restored + failed).toBe(40);
    expect(failed).toBeGreaterThan(0);
    for (const item of items.values()) {
      if (item.result === 'failed') expect(item.reason).toBe('target_changed');
    }
    expect(readdirSync(outside)).toEqual(['taken']);
    // What was placed before the swap went along; nothing came after it, and nothing half made is left.
    expect(leftovers(outside)).toEqual([]);
    const placed = readdirSync(join(outside, 'taken')).length + readdirSync(inSource(to, 'dir (1)')).length;
    expect(placed).toBe(restored);
  });
});

describe('damage', () => {
  test('no flipped byte anywhere in the sealed file gets through', async () => {
    const at = [0, 17, 25, 400, -140, -128, -100, -64, -1];
    for (const [index, position] of at.entries()) {
      const damage = (sealed: Buffer): Buffer => {
        const offset = position < 0 ? sealed.length + position : position;
        sealed[offset] = (sealed[offset] as number) ^ 1;
        return sealed;
      };
      await repository.add(`damaged ${index}`, { content: randomBytes(2_000), damage });
    }
    await repository.add('fine', { content: 'fine' });
    const to = tempFolder();
    const items = await restore(to);
    expect(summaryOf(items)).toMatchObject({ restored: 1, failed: at.length, damaged: at.length });
    expect(restoreExitCode(summaryOf(items))).toBe(4);
    expect(items.get('damaged 3')).toMatchObject({ reason: 'tampered' });
    expect(readdirSync(inSource(to))).toEqual(['fine']);
  });

  test('a segment in the middle of a large object, cut or missing objects, and an absent key', async () => {
    const content = randomBytes(20 * mebibyte);
    const damage = (sealed: Buffer): Buffer => {
      sealed[10 * mebibyte] = (sealed[10 * mebibyte] as number) ^ 0x80;
      return sealed;
    };
    await repository.add('large', { content, damage });
    await repository.add('cut', { content: 'abc', damage: (sealed) => sealed.subarray(0, -5) });
    const lost = await repository.add('lost', { content: 'lost' });
    await owner.query(`update objects set key = key || ' lost' where id = $1`, [lost.objectId]);
    const to = tempFolder();
    const items = await restore(to);
    expect(items.get('large')).toMatchObject({ result: 'failed', reason: 'tampered', damaged: true });
    expect(items.get('cut')).toMatchObject({ result: 'failed', damaged: true });
    expect(items.get('lost')).toMatchObject({ result: 'failed', reason: 'object_missing', damaged: true });
    expect(readdirSync(inSource(to))).toEqual([]);
    repository.deps.keys.byId = () => undefined;
    expect((await restore(to)).get('large')).toMatchObject({ reason: 'unknown_key', damaged: false });
  });

  test('a genuine sealed file of another version is not taken for this one', async () => {
    const one = await repository.add('one', { content: 'payroll' });
    const two = await repository.add('two', { content: 'contract' });
    await repository.add('three', { content: 'moved', sealedPath: 'elsewhere' });
    await owner.query(
      `update objects a set key = b.key, s3_version_id = b.s3_version_id || ' ', length = b.length
       from objects b where a.id = $1 and b.id = $2`,
      [one.objectId, two.objectId],
    );
    await owner.query(`delete from placements where version_id = $1`, [two.versionId]);
    await owner.query(`update objects set s3_version_id = 'away' where id = $1`, [two.objectId]);
    await owner.query(`update objects set s3_version_id = trim(s3_version_id) where id = $1`, [one.objectId]);
    const to = tempFolder();
    const items = await restore(to);
    expect(items.get('one')).toMatchObject({ result: 'failed', reason: 'tampered' });
    expect(items.get('three')).toMatchObject({ result: 'failed', reason: 'tampered' });
    expect(readdirSync(inSource(to))).toEqual([]);
  });
});

test('content that authenticates but does not have the recorded SHA-512 is not released', async () => {
  await repository.add('file', { content: 'true', sealedContent: 'lies' });
  const to = tempFolder();
  expect((await restore(to)).get('file')).toMatchObject({ result: 'failed', reason: 'tampered' });
  expect(readdirSync(inSource(to))).toEqual([]);
});

describe('interruption and faults', () => {
  test('a file that appears while ours is on its way is not replaced', async () => {
    await repository.add('file.txt', { content: 'ours' });
    const to = tempFolder();
    repository.fault = () => writeFileSync(inSource(to, 'file.txt'), 'mine');
    expect((await restore(to)).get('file.txt')).toMatchObject({ result: 'conflict' });
    expect(text(inSource(to, 'file.txt'))).toBe('mine');
    expect(text(inSource(to, 'file (1).txt'))).toBe('ours');
    repository.fault = () => {};
    await repository.add('equal', { content: 'same' });
    repository.fault = () => writeFileSync(inSource(to, 'equal'), 'same');
    expect((await restore(to)).get('equal')).toMatchObject({ result: 'unchanged' });
    expect(leftovers(to)).toEqual([]);
  });

  test('a store that breaks off in the middle of objects is asked again', async () => {
    const content = randomBytes(12 * mebibyte);
    await repository.add('large', { content });
    await repository.add('small', { content: 'small' });
    let calls = 0;
    repository.fault = ({ operation }) => {
      calls += 1;
      if (operation === 'get' && calls % 7 === 0) {
        throw new Failure('s3_unavailable', { destination: 'main', reason: 'ECONNRESET' });
      }
    };
    const to = tempFolder();
    let bytes = 0;
    await restore(to, { onBytes: (count) => (bytes += count) });
    expect(readFileSync(inSource(to, 'large')).equals(content)).toBe(true);
    expect(bytes).toBe(content.length + 5);
  });

  test('a store that stays away ends the restore; the next run goes on', async () => {
    for (let index = 0; index < 20; index += 1) await repository.add(`${index}`, { content: `${index}` });
    let calls = 0;
    repository.fault = ({ operation }) => {
      calls += 1;
      if (operation === 'get' && calls > 16) {
        throw new Failure('s3_unavailable', { destination: 'main', reason: 'ECONNREFUSED' });
      }
    };
    const to = tempFolder();
    await expect(restore(to)).rejects.toMatchObject({ code: 's3_unavailable' });
    expect(leftovers(to)).toEqual([]);
    repository.fault = () => {};
    const again = summaryOf(await restore(to));
    expect(again.unchanged).toBeGreaterThan(0);
    expect(again.unchanged + again.restored).toBe(20);
  });

  test('Ctrl-C in the middle leaves no partial file, and is recorded', async () => {
    await repository.add('large', { content: randomBytes(30 * mebibyte) });
    for (let index = 0; index < 20; index += 1) await repository.add(`${index}`, { content: `${index}` });
    const interrupt = new AbortController();
    const to = tempFolder();
    let seen: string[] = [];
    const run = recordedRestore(
      repository.deps,
      {
        source: repository.source,
        to,
        signal: interrupt.signal,
        onBytes: () => {
          if (interrupt.signal.aborted) return;
          seen = leftovers(to);
          if (seen.length > 0) interrupt.abort();
        },
      },
      { catalog: repository.catalog, ids: repository.ids, hostId: 'e'.repeat(32), actor: 'tester' },
      () => {},
    );
    await expect(run).rejects.toMatchObject({ code: 'interrupted' });
    expect(seen.length).toBeGreaterThan(0);
    expect(leftovers(to)).toEqual([]);
    expect(existsSync(inSource(to, 'large'))).toBe(false);
    const [row] = (
      await owner.query(`select result, ended_at from run_log where source_id = $1`, [repository.sourceId])
    ).rows;
    expect(row).toMatchObject({ result: 'interrupted', ended_at: expect.any(Date) });
  });

  test('whoever stops iterating stops the restore', async () => {
    await repository.add('a', { content: 'a' });
    await repository.add('large', { content: randomBytes(30 * mebibyte) });
    const to = tempFolder();
    for await (const _ of restoreTree(repository.deps, { source: repository.source, to })) break;
    expect(leftovers(to)).toEqual([]);
  });

  test('two restores into one folder at once: the second is refused', async () => {
    await repository.add('a', { content: 'a' });
    const to = tempFolder();
    const first = restoreTree(repository.deps, { source: repository.source, to });
    await first.next();
    await expect(restore(to)).rejects.toMatchObject({ code: 'restore_running' });
    await first.return();
    expect(summaryOf(await restore(to))).toMatchObject({ unchanged: 1 });
  });

  test('a target that is no folder is refused', async () => {
    await repository.add('a');
    const to = join(tempFolder(), 'file');
    writeFileSync(to, 'mine');
    for (const dryRun of [true, false]) {
      await expect(restore(to, { dryRun })).rejects.toMatchObject({ code: 'target_unusable' });
      await expect(restore(join(to, 'x'), { dryRun })).rejects.toMatchObject({ code: 'target_unusable' });
    }
  });

  test('a target that cannot be made is refused at once', async () => {
    await repository.add('a');
    const linked = join(tempFolder(), 'link');
    symlinkSync('nowhere', linked);
    for (const to of ['/proc/x', '/proc/x/y/z', '/dev/null/x', '/sys/x', join(linked, 'x')])
      await expect(restore(to), to).rejects.toMatchObject({ code: 'target_unusable' });
  });

  test('content that does not fit is refused before the first byte', async () => {
    const big = await repository.add('big', { content: 'x' });
    await owner.query('update versions set size_bytes = 1::bigint << 60 where id = $1', [big.versionId]);
    const to = tempFolder();
    await expect(restore(to)).rejects.toMatchObject({ code: 'no_space' });
    expect(readdirSync(to)).toEqual([]);
  });

  test.runIf(isRoot)("a folder this user may not write is that entry's failure only", async () => {
    await repository.add('closed/file', { content: 'x' });
    await repository.add('open/file', { content: 'x' });
    const to = tempFolder();
    for (const name of ['closed', 'open']) mkdirSync(inSource(to, name), { recursive: true });
    execFileSync('chown', ['-R', '65534', inSource(to, 'open')]);
    chmodSync(to, 0o755);
    process.seteuid?.(65534);
    let items: Map<string, RestoredItem>;
    try {
      items = await restore(to);
    } finally {
      process.seteuid?.(0);
    }
    expect(items.get('closed/file')).toMatchObject({ result: 'failed', reason: 'EACCES' });
    expect(restoreExitCode(summaryOf(items))).toBe(3);
  });
});

describe('the record', () => {
  test('one row in the run log and one audit event, without a name in it', async () => {
    await repository.add('secret-name', { content: 'x' });
    await repository.add('denied', { outcome: 'ignored' });
    const to = tempFolder();
    const identity = {
      catalog: repository.catalog,
      ids: repository.ids,
      hostId: 'e'.repeat(32),
      actor: 'tester',
    };
    const summary = await recordedRestore(
      repository.deps,
      { source: repository.source, to },
      identity,
      () => {},
    );
    expect(summary).toMatchObject({ entries: 2, restored: 1, missing: 1, bytes: 1 });
    const runs = (await owner.query('select * from run_log where source_id = $1', [repository.sourceId]))
      .rows;
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ kind: 'restore', result: 'complete with warnings', actor: 'tester' });
    const events = (
      await owner.query(`select event from audit_events where event ->> 'run' = $1 order by number`, [
        runs[0]?.id,
      ])
    ).rows;
    expect(events.map(({ event }) => event)).toMatchObject([
      { step: 'restore', facts: { result: 'begun' } },
      { step: 'restore', facts: { restored: 1, result: runs[0]?.result } },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret-name');
  });
});

test('a large file comes back whole within bounded memory', { timeout: 120_000 }, async () => {
  const sizeBytes = 200 * mebibyte;
  const gc = runInNewContext('gc') as () => void;
  // What one round finds unused is given back in the next.
  const collectGarbage = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      gc();
      await sleep(20);
    }
  };
  const usedBytes = (): number => process.memoryUsage().external + process.memoryUsage().heapUsed;
  await collectGarbage();
  const before = usedBytes();
  const expected = await addLarge(sizeBytes);
  await collectGarbage();
  // The store in memory keeps the object itself.
  const withStore = before + sizeBytes;
  expect(usedBytes()).toBeLessThan(withStore + 20 * mebibyte);
  let peak = 0;
  const to = tempFolder();
  await restore(to, {
    onBytes: () => {
      peak = Math.max(peak, usedBytes() - withStore);
    },
  });
  expect(hash('sha512', readFileSync(inSource(to, 'large')), 'hex')).toBe(expected);
  expect(peak).toBeLessThan(150 * mebibyte);
});

/** Adds a file of incompressible content; gives its SHA-512. */
async function addLarge(sizeBytes: number): Promise<string> {
  const content = Buffer.alloc(sizeBytes);
  const block = randomBytes(mebibyte);
  for (let at = 0; at < sizeBytes; at += mebibyte) {
    block.writeUInt32BE(at, 0);
    block.copy(content, at);
  }
  await repository.add('large', { content });
  return hash('sha512', content, 'hex');
}
