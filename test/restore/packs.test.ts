import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { ByteBudget } from '../../src/restore/byte-budget.ts';
import { contentSegments } from '../../src/restore/content.ts';
import { type Gathered, gathered } from '../../src/restore/neighbours.ts';
import { type RestoreRequest, restoreTree } from '../../src/restore/restore.ts';
import type { RestorableFile, RestoreRow } from '../../src/restore/restore-index.ts';
import {
  countItem,
  emptySummary,
  type RestoredItem,
  restoreExitCode,
} from '../../src/restore/restored-item.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { usePostgres } from '../support/postgres.ts';
import { noise } from './memory-repository.ts';
import { TestRepository } from './repository.ts';

const postgres = usePostgres();
let catalog: Catalog;
let repository: TestRepository;

beforeAll(async () => {
  catalog = new Catalog(await openPool({ uri: (await postgres().database()).writerUri, maxConnections: 4 }));
});
afterAll(() => catalog.close());
beforeEach(async () => {
  repository = await new TestRepository(catalog).open();
});

interface Restored {
  readonly items: ReadonlyMap<string, RestoredItem>;
  readonly exitCode: number;
  /** What was asked of the store. */
  readonly ranges: readonly ({ readonly offset: number; readonly length: number } | undefined)[];
  read(path: string): string;
  names(): string[];
}

async function restore(request: Partial<RestoreRequest> = {}): Promise<Restored> {
  const to = tempFolder();
  const items = new Map<string, RestoredItem>();
  const get = vi.spyOn(repository.store, 'get');
  for await (const item of restoreTree(repository.deps, { source: repository.source, to, ...request }))
    items.set(item.path.toString(), item);
  const ranges = get.mock.calls.map(([{ range }]) => range);
  get.mockRestore();
  return {
    items,
    exitCode: restoreExitCode([...items.values()].reduce(countItem, emptySummary)),
    ranges,
    read: (path) => readFileSync(join(to, repository.source, path), 'utf8'),
    names: () => readdirSync(join(to, repository.source)),
  };
}

const many = (count: number, size = 200): Record<string, { content: Buffer }> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`docs/${at}.txt`, { content: noise(size, String(at)) }]),
  );

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Exchanges two ranges of the same length. */
function swapped(bytes: Buffer, one: number, two: number, length: number): Buffer {
  const first = Buffer.from(bytes.subarray(one, one + length));
  bytes.copy(bytes, one, two, two + length);
  first.copy(bytes, two);
  return bytes;
}

describe('files in a pack', () => {
  test('one of them costs one ranged request for itself alone', async () => {
    const { members } = await repository.addPack({
      'a.txt': { content: 'one' },
      'b.txt': { content: 'two' },
    });
    const { ranges, read } = await restore({ path: Buffer.from('b.txt') });
    expect(read('b.txt')).toBe('two');
    expect(ranges).toEqual([{ offset: members[1]?.offset, length: members[1]?.length }]);
    expect(ranges[0]?.offset).toBeGreaterThan(0);
  });

  test('printing one costs one ranged request too, and stops at a flipped byte before anything is out', async () => {
    const pack = await repository.addPack({ 'a.txt': { content: 'one' }, 'b.txt': { content: 'two' } });
    const deps = {
      ...{ ...repository.deps, memory: new ByteBudget(1_000_000), retryPausesMs: [1] },
      signal: new AbortController().signal,
    };
    const selection = { sourceId: repository.sourceId, path: Buffer.from('b.txt') };
    const [row] = await all(repository.deps.index.rows(selection, 'tree'));
    const get = vi.spyOn(repository.store, 'get');
    const printed = () => all(contentSegments(deps, row as RestoreRow, row?.version as RestorableFile));
    expect(Buffer.concat(await printed()).toString()).toBe('two');
    const { offset = 0, length = 0 } = pack.members[1] ?? {};
    expect(get.mock.calls.map(([{ range }]) => range)).toEqual([{ offset, length }]);
    repository.store.damage(pack, (bytes) => bytes.fill(0, offset + length - 140, offset + length - 130));
    await expect(printed()).rejects.toMatchObject({ code: 'tampered' });
  });

  test('a tree of them comes with one request for what lies side by side', async () => {
    await repository.add('docs', { kind: 'dir', mode: 0o750, mtimeNs: 1_000_000_000n });
    const { members } = await repository.addPack(many(100));
    await repository.add('alone', { content: 'by itself' });
    const last = members.at(-1);
    const { ranges, items, exitCode, names } = await restore();
    expect(exitCode).toBe(0);
    expect(items).toHaveLength(102);
    expect(ranges).toHaveLength(2);
    expect(ranges).toContainEqual({ offset: 0, length: (last?.offset ?? 0) + (last?.length ?? 0) });
    expect(names().sort()).toEqual(['alone', 'docs']);
  });

  test('empty ones, one in several places, and a newer version of one in a later pack', async () => {
    const { members } = await repository.addPack({
      a: { content: '' },
      b: { content: 'shared' },
      c: { content: 'old' },
    });
    await repository.add('copy of b', {
      content: 'shared',
      sharing: members[1] as NonNullable<(typeof members)[1]>,
    });
    await repository.addPack({ c: { content: 'new' }, d: { content: 'other' } });
    const { read, exitCode } = await restore();
    expect(exitCode).toBe(0);
    expect(['a', 'b', 'copy of b', 'c', 'd'].map(read)).toEqual(['', 'shared', 'shared', 'new', 'other']);
    const old = await restore({ path: Buffer.from('c'), versionId: members[2]?.versionId as string });
    expect(old.read('c')).toBe('old');
  });

  test('a flipped byte in one spoils that one only, and is told as tampering', async () => {
    // In the content of the eighth: before each footer lie 20 bytes of table.
    await repository.addPack(many(20), (bytes) => {
      let footer = bytes.indexOf('HOLDFAST');
      for (let at = 0; at < 7; at++) footer = bytes.indexOf('HOLDFAST', footer + 1);
      const flipAt = footer - 30;
      bytes[flipAt] = (bytes[flipAt] ?? 0) ^ 1;
      return bytes;
    });
    const { items, exitCode } = await restore();
    expect(exitCode).toBe(4);
    const failed = [...items.values()].filter(({ result }) => result !== 'restored');
    expect(failed).toMatchObject([{ result: 'failed', reason: 'tampered', damaged: true }]);
    expect(failed[0]?.path.toString()).toBe('docs/7.txt');
  });

  test('two that changed places are both refused', async () => {
    const files = { a: { content: noise(100, 'a') }, b: { content: noise(100, 'b') }, c: { content: 'c' } };
    // Sealed files of one length, because paths and numbers are.
    await repository.addPack(files, (bytes) => {
      const length = bytes.indexOf('HOLDFAST') + 128;
      return swapped(bytes, 0, length, length);
    });
    const { items, names } = await restore();
    for (const path of ['a', 'b'])
      expect(items.get(path)).toMatchObject({ result: 'failed', reason: 'tampered' });
    expect(names()).toEqual(['c']);
  });

  test('a pack that ends early gives what lies before its end', async () => {
    await repository.addPack(many(4, 2_000), (bytes) => bytes.subarray(0, 4_000));
    const { items, exitCode } = await restore();
    expect(exitCode).toBe(4);
    expect([0, 1, 2, 3].map((at) => items.get(`docs/${at}.txt`)?.result)).toEqual([
      'restored',
      'failed',
      'failed',
      'failed',
    ]);
  });

  test('another version of the pack serves where the recorded one is gone or damaged', async () => {
    const pack = await repository.addPack(many(3));
    const whole = await repository.store.get(pack);
    repository.store.damage(pack, (bytes) => bytes.fill(0));
    repository.store.plantVersion(pack.key, whole.subarray(0, 100));
    repository.store.plantVersion(pack.key, whole);
    expect((await restore()).exitCode).toBe(0);
    repository.store.lose(pack);
    expect((await restore()).exitCode).toBe(0);
  });
});

describe('neighbours', () => {
  test('are gathered across rows, up to a length, and without what is too far away', async () => {
    const rows = [
      ...[0, 1, 2].flatMap((at) => [row('a', at * 1_000, 1_000), row('b', at * 1_000_000, 1_000)]),
      row('c', 0, 3_000_000),
      row('c', 3_000_000, 3_000_000),
    ];
    const groups = groupsOf(await all(gathered(each(rows))));
    expect(groups).toEqual([
      ['a 0', 'a 1000', 'a 2000'],
      ['b 0'],
      ['b 1000000'],
      ['b 2000000'],
      ['c 0'],
      ['c 3000000'],
    ]);
  });

  test('keep within the memory whatever the order of the rows, and give all of it back', async () => {
    const memory = new ByteBudget(40_000);
    const fetch = vi.fn(async (_: number, length: number) => Buffer.alloc(length));
    // A hundred packs, five files of each, and no two of one pack follow each other: more than ever fits.
    const rows = [0, 1, 2, 3, 4].flatMap((at) =>
      Array.from({ length: 100 }, (_, pack) => row(String(pack), at * 2_000, 2_000)),
    );
    for (const { row, neighbours } of await all(gathered(each(rows)))) {
      const { place } = row.version as RestorableFile;
      expect(await neighbours?.read(place, memory, fetch)).toHaveLength(2_000);
      neighbours?.leave();
    }
    expect(fetch).toHaveBeenCalledTimes(100);
    (await memory.take(40_000))();
  });

  function row(key: string, offset: number, length: number): RestoreRow {
    const place = {
      destination: 'main',
      key,
      s3VersionId: '1',
      offset,
      length,
      format: 'sealed-v1',
      keyId: '',
    };
    const version = { kind: 'file', sizeBytes: length, place } as unknown as RestorableFile;
    return { entryId: '', path: Buffer.from(`${key} ${offset}`), version };
  }
  async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
    yield* items;
  }
  function groupsOf(list: readonly Gathered[]): string[][] {
    const groups = Map.groupBy(list, ({ neighbours, row }) => neighbours ?? row);
    return [...groups.values()].map((group) => group.map(({ row }) => row.path.toString()));
  }
});
