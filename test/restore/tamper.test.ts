import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { restoreTree } from '../../src/restore/restore.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { MemoryRepository, noise } from './memory-repository.ts';

async function restored(repository: MemoryRepository) {
  const to = tempFolder();
  const items = new Map<string, unknown>();
  for await (const item of restoreTree(repository.deps, { source: repository.source, to }))
    items.set(item.path.toString(), item);
  return { items, names: readdirSync(join(to, repository.source)) };
}

async function exchange({ store }: MemoryRepository, one: string, two: string): Promise<void> {
  const [[first], [second]] = [await store.versionsOf(one), await store.versionsOf(two)];
  if (first === undefined || second === undefined) expect.fail('no such object');
  const [ofFirst, ofSecond] = [await store.get(first), await store.get(second)];
  expect(ofFirst.length).toBe(ofSecond.length);
  store.damage(first, () => ofSecond);
  store.damage(second, () => ofFirst);
}

const mebibyte = 1024 * 1024;

test.each([
  ['of one segment', 1_000],
  ['of many segments, opened while they come', 2 * mebibyte],
  ['above what is read with one request', 9 * mebibyte],
])('whole objects exchanged under one key are both refused: %s', async (_, sizeBytes) => {
  const repository = new MemoryRepository();
  const [one, two] = ['a', 'b'].map((path) => repository.file(path, noise(sizeBytes, path)));
  repository.file('same', 'untouched');
  await exchange(repository, one as string, two as string);
  const { items, names } = await restored(repository);
  for (const path of ['a', 'b'])
    expect(items.get(path)).toMatchObject({ result: 'failed', reason: 'tampered', damaged: true });
  expect(names).toEqual(['same']);
});

test('so are those of one content, because each says for which entry it was made', async () => {
  const repository = new MemoryRepository();
  const [one, two] = ['a', 'b'].map((path) => repository.file(path, 'the same words'));
  await exchange(repository, one as string, two as string);
  const { items, names } = await restored(repository);
  expect(items.get('a')).toMatchObject({ result: 'failed', reason: 'tampered' });
  expect(names).toEqual([]);
});
