import { mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { jsonItem } from '../../src/cli/restore-report.ts';
import { systemCalls } from '../../src/files/system-calls.ts';
import { ByteBudget } from '../../src/restore/byte-budget.ts';
import { mapUnordered } from '../../src/restore/map-unordered.ts';
import { applyMetadata } from '../../src/restore/metadata.ts';
import { numberedName } from '../../src/restore/names.ts';
import { placeByRename } from '../../src/restore/place.ts';
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
