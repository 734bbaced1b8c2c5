import { mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Rate } from '../../src/cli/rate.ts';
import { jsonItem } from '../../src/cli/restore-report.ts';
import { systemCalls } from '../../src/files/system-calls.ts';
import { ByteBudget } from '../../src/restore/byte-budget.ts';
import { dataRuns } from '../../src/restore/holes.ts';
import { mapUnordered, readAhead } from '../../src/restore/map-unordered.ts';
import { applyMetadata } from '../../src/restore/metadata.ts';
import { isDeviceName, numberedName } from '../../src/restore/names.ts';
import { findBerth } from '../../src/restore/occupant.ts';
import { placeByRename } from '../../src/restore/place.ts';
import { TargetTree } from '../../src/restore/target-tree.ts';
import { tempFolder } from '../files/temp-tree.ts';

describe('names under which conflicts are restored', () => {
  const numbered = (name: string, kind: 'file' | 'folder' = 'file'): string =>
    numberedName(Buffer.from(name), 1, kind).toString();

  test('keep the extension of a file, not of a folder', () => {
    expect(numbered('a.txt')).toBe('a (1).txt');
    expect(numbered('archive.tar.gz')).toBe('archive.tar (1).gz');
    expect(numbered('.profile')).toBe('.profile (1)');
    expect(numbered('plain')).toBe('plain (1)');
    expect(numbered('v1.2', 'folder')).toBe('v1.2 (1)');
  });

  test('fit into a name, cutting no character', () => {
    expect(Buffer.byteLength(numbered(`${'x'.repeat(251)}.txt`))).toBe(255);
    const umlauts = numbered(`${'ü'.repeat(125)}.txt`);
    expect(Buffer.byteLength(umlauts)).toBeLessThanOrEqual(255);
    expect(umlauts).toMatch(/^ü+ \(1\)\.txt$/);
  });
});

describe('the memory budget', () => {
  test('lets nobody in beyond the total, in the order they came', async () => {
    const budget = new ByteBudget(10);
    const entered: string[] = [];
    const enter = async (name: string, bytes: number) => {
      const giveBack = await budget.take(bytes);
      entered.push(name);
      return giveBack;
    };
    const first = await enter('first', 6);
    const large = enter('large', 8);
    const small = enter('small', 1);
    await sleep(5);
    expect(entered).toEqual(['first']);
    first();
    (await large)();
    (await small)();
    expect(entered).toEqual(['first', 'large', 'small']);
    (await enter('more than all', 1_000))();
  });
});

describe('work on many items at once', () => {
  async function* numbers(count: number): AsyncGenerator<number> {
    for (let number = 0; number < count; number++) yield number;
  }

  test('is bounded, and every result comes', async () => {
    let running = 0;
    let most = 0;
    const work = async (number: number): Promise<number> => {
      most = Math.max(most, ++running);
      await sleep(number % 3);
      running--;
      return number;
    };
    const results: number[] = [];
    for await (const result of mapUnordered(numbers(20), 4, work, () => {})) results.push(result);
    expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(most).toBe(4);
  });

  test('ends with the first error, after the others have stopped', async () => {
    let isStopped = false;
    let running = 0;
    const work = async (number: number): Promise<void> => {
      running++;
      try {
        if (number === 2) throw new Error('broken');
        while (!isStopped) await sleep(1);
      } finally {
        running--;
      }
    };
    const drain = async (): Promise<void> => {
      for await (const _ of mapUnordered(numbers(20), 4, work, () => (isStopped = true)));
    };
    await expect(drain()).rejects.toThrow('broken');
    expect(running).toBe(0);
  });
});

const metadataOptions = { owner: false, xattrs: true, calls: systemCalls() };

test('modification times beyond what a floating-point number of seconds holds', () => {
  const file = join(tempFolder(), 'file');
  writeFileSync(file, '');
  const descriptor = openSync(file, 'r');
  const { uid, gid } = statSync(file);
  const wanted = [
    1n,
    -1n,
    1_700_000_000_123_456_789n,
    -315_619_199_876_543_211n,
    4_102_444_800_000_000_001n,
    0n,
  ];
  for (const mtimeNs of wanted) {
    const { problems } = applyMetadata(descriptor, { mode: 0o644, uid, gid, mtimeNs }, metadataOptions);
    expect(problems).toEqual([]);
    expect(statSync(file, { bigint: true }).mtimeNs).toBe(mtimeNs);
  }
});

test('where there are no hard links, a file is placed without replacing one', () => {
  const folder = tempFolder();
  const path = (name: string): Buffer => Buffer.from(join(folder, name));
  writeFileSync(join(folder, 'partial'), 'ours');
  writeFileSync(join(folder, 'taken'), 'mine');
  mkdirSync(join(folder, 'folder'));
  expect(placeByRename(path('partial'), path('taken'))).toBe(false);
  expect(placeByRename(path('partial'), path('folder'))).toBe(false);
  expect(placeByRename(path('partial'), path('free'))).toBe(true);
  expect(readFileSync(join(folder, 'taken'), 'utf8')).toBe('mine');
  expect(readFileSync(join(folder, 'free'), 'utf8')).toBe('ours');
  expect(readdirSync(folder).sort()).toEqual(['folder', 'free', 'taken']);
});

test('the JSON row tells names that are not UTF-8 exactly', () => {
  const item = {
    entryId: 'e',
    versionId: 'v',
    path: Buffer.from('a\xff', 'latin1'),
    kind: 'file' as const,
    result: 'restored' as const,
    target: Buffer.from('docs/a\xff', 'latin1'),
    sizeBytes: 1,
    damaged: false,
  };
  expect(jsonItem('docs', '/to', item)).toEqual({
    source: 'docs',
    path: 'a\ufffd',
    pathBytes: 'Yf8=',
    kind: 'file',
    result: 'restored',
    target: '/to/docs/a\ufffd',
    versionId: 'v',
  });
});

describe('names in the target', () => {
  const path = Buffer.from('/nowhere-that-is');
  const search = { overwrite: 'always' as const, mtimeNs: 0n, equal: () => undefined };

  test('a name that leads to what is called otherwise is passed over, and nothing replaced', async () => {
    const folder = Buffer.from(tempFolder());
    // What `a` leads to where `A` and `a` are the same.
    writeFileSync(join(folder.toString(), 'a'), 'of A');
    const found = { path: folder, lists: () => false, hasDeviceNames: false };
    const berth = await findBerth(found, Buffer.from('a'), search);
    expect(berth).toMatchObject({ kind: 'free', name: Buffer.from('a (1)') });
    const exact = await findBerth({ ...found, lists: () => true }, Buffer.from('a'), search);
    expect(exact).toMatchObject({ kind: 'replace', number: 0 });
  });

  test('are told from those that only lead there, also when they came since', () => {
    const to = tempFolder();
    mkdirSync(join(to, 'docs'));
    writeFileSync(join(to, 'docs', 'A'), '');
    const tree = TargetTree.make(to);
    const folder = tree.folder(Buffer.from('docs'));
    expect(folder.lists(Buffer.from('A'))).toBe(true);
    expect(folder.lists(Buffer.from('a'))).toBe(false);
    writeFileSync(join(to, 'docs', 'a'), '');
    expect(folder.lists(Buffer.from('a'))).toBe(true);
    folder.release();
    tree.close();
  });

  test('of devices are not taken where the file system belongs to Windows', async () => {
    const devices = ['CON', 'nul', 'aux.txt', 'COM1', 'lpt9.tar.gz', 'prn ', 'com¹', 'CONIN$'];
    const others = ['CONSOLE', 'con-', 'xcon', 'com', 'com10', 'auxiliary.txt', 'lpt', 'null'];
    expect(devices.filter((name) => !isDeviceName(Buffer.from(name)))).toEqual([]);
    expect(others.filter((name) => isDeviceName(Buffer.from(name)))).toEqual([]);
    const windows = { path, lists: () => true, hasDeviceNames: true };
    const berth = await findBerth(windows, Buffer.from('aux.txt'), search);
    expect(berth).toMatchObject({ kind: 'free', name: Buffer.from('aux (1).txt'), number: 1 });
    const here = await findBerth({ ...windows, hasDeviceNames: false }, Buffer.from('aux.txt'), search);
    expect(here).toMatchObject({ name: Buffer.from('aux.txt'), number: 0 });
  });
});

describe('what is written of a content', () => {
  const kibibyte = 1024;
  const zeros = (size: number): Buffer => Buffer.alloc(size);
  const ones = (size: number): Buffer => Buffer.alloc(size, 1);

  test('is everything but long runs of zeros in whole pages', () => {
    const runs = (parts: Buffer[], position = 0) => dataRuns(Buffer.concat(parts), position);
    const k = (start: number, end: number) => ({ start: start * kibibyte, end: end * kibibyte });
    expect(runs([ones(8 * kibibyte)])).toEqual([k(0, 8)]);
    expect(runs([])).toEqual([]);
    expect(runs([zeros(64 * kibibyte)])).toEqual([]);
    expect(runs([zeros(60 * kibibyte)])).toEqual([k(0, 60)]);
    expect(runs([ones(4096), zeros(64 * kibibyte), ones(4096)])).toEqual([k(0, 4), k(68, 72)]);
    // A run that begins and ends inside pages gives up what is not a whole one.
    expect(runs([ones(100), zeros(72 * kibibyte), ones(100)])).toEqual([
      k(0, 4),
      { start: 72 * kibibyte, end: 72 * kibibyte + 200 },
    ]);
    // Pages are the file's, wherever the piece begins.
    expect(runs([zeros(80 * kibibyte)], 1)).toEqual([
      { start: 0, end: 4095 },
      { start: 4095 + 76 * kibibyte, end: 80 * kibibyte },
    ]);
  });
});

describe('reading ahead', () => {
  async function* three(fails = false): AsyncGenerator<number> {
    yield 1;
    yield 2;
    if (fails) throw new Error('broken');
    yield 3;
  }

  test('gives every item in order, then the end or the error', async () => {
    expect(await Array.fromAsync(readAhead(three(), 2))).toEqual([1, 2, 3]);
    const seen: number[] = [];
    const drain = async (): Promise<void> => {
      for await (const item of readAhead(three(true), 10)) seen.push(item);
    };
    await expect(drain()).rejects.toThrow('broken');
    expect(seen).toEqual([1, 2]);
  });

  test('goes no further than it may, and stops with who takes', async () => {
    let given = 0;
    let isClosed = false;
    async function* endless(): AsyncGenerator<number> {
      try {
        for (;;) yield given++;
      } finally {
        isClosed = true;
      }
    }
    for await (const item of readAhead(endless(), 5)) {
      await sleep(5);
      if (item === 2) break;
    }
    expect(given).toBeLessThan(15);
    expect(isClosed).toBe(true);
  });
});

test('the rate is that of the last seconds, and no standstill or step back breaks it', () => {
  const rate = new Rate(0);
  expect(rate.perSecond(1_000, 1_000)).toBe(1_000);
  for (let second = 2; second <= 20; second++) rate.perSecond(1_000, second * 1_000);
  expect(rate.perSecond(1_000, 21_000)).toBe(0);
  expect(rate.perSecond(500, 22_000)).toBe(0);
  expect(new Rate(0).perSecond(5, 0)).toBe(5_000);
});
