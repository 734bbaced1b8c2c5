import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ManifestRow } from '../../src/manifest/records.ts';
import { type Read, TestBucket } from './test-bucket.ts';

const objectOf = (row: ManifestRow): string => row.placements?.[0]?.object ?? expect.fail('no object');

/** Exchanges the bytes under two names, in all their versions, as somebody with the store's disks could. */
async function exchange(bucket: TestBucket, one: string, two: string): Promise<void> {
  const [first, second] = [await bucket.store.versionsOf(one), await bucket.store.versionsOf(two)];
  const bytes = async (versions: typeof first) => bucket.store.get(versions[0] ?? expect.fail('no version'));
  const [ofFirst, ofSecond] = [await bytes(first), await bytes(second)];
  expect(ofFirst.length).toBe(ofSecond.length);
  for (const version of first) bucket.store.damage(version, () => ofSecond);
  for (const version of second) bucket.store.damage(version, () => ofFirst);
}

async function nothingRestored(bucket: TestBucket, read: Read, paths: readonly string[]): Promise<void> {
  const { to, items } = await bucket.restore(read);
  for (const path of paths)
    expect(items.get(path)).toMatchObject({ result: 'failed', reason: 'tampered', damaged: true });
  expect(readdirSync(join(to, 'docs'))).toEqual([]);
}

test('whole objects exchanged under one key: neither is restored for the other', async () => {
  const bucket = await TestBucket.create();
  const [one, two] = [await bucket.file('a.txt', 'one'), await bucket.file('b.txt', 'two')];
  await bucket.manifest([one, two]);
  await exchange(bucket, objectOf(one), objectOf(two));
  await nothingRestored(bucket, await bucket.read(), ['a.txt', 'b.txt']);
});

test('an older version of the same file in the place of the newest is not taken for it', async () => {
  const bucket = await TestBucket.create();
  const older = await bucket.file('a.txt', 'old');
  const newest = await bucket.file('a.txt', 'new', { observation: 2 });
  await bucket.manifest([older, newest]);
  await exchange(bucket, objectOf(older), objectOf(newest));
  await nothingRestored(bucket, await bucket.read(), ['a.txt']);
});

test('the same content of another entry is not taken for the one a manifest names', async () => {
  const bucket = await TestBucket.create();
  const [one, two] = [await bucket.file('a.txt', 'same'), await bucket.file('b.txt', 'same')];
  await bucket.manifest([one, two]);
  await exchange(bucket, objectOf(one), objectOf(two));
  await nothingRestored(bucket, await bucket.read(), ['a.txt', 'b.txt']);
});

test('where no manifest is left, exchanged objects are garbage and nothing comes of them', async () => {
  const bucket = await TestBucket.create();
  const [one, two] = [await bucket.file('a.txt', 'one'), await bucket.file('b.txt', 'two')];
  const kept = await bucket.file('c.txt', 'kept');
  await exchange(bucket, objectOf(one), objectOf(two));
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 1, garbage: 2 });
  const { to, items } = await bucket.restore(read, { source: bucket.sourceId });
  expect([...items.keys()]).toEqual(['c.txt']);
  expect(readFileSync(join(to, bucket.sourceId, 'c.txt'), 'utf8')).toHaveLength(kept.size);
});

test('with the real object beside it under its name, the one of another entry is passed over', async () => {
  const bucket = await TestBucket.create();
  const [one, two] = [await bucket.file('a.txt', 'one'), await bucket.file('b.txt', 'two')];
  await bucket.manifest([one, two]);
  const [ofTwo] = await bucket.store.versionsOf(objectOf(two));
  bucket.store.plantVersion(objectOf(one), await bucket.store.get(ofTwo ?? expect.fail()));
  const { to } = await bucket.restore(await bucket.read());
  expect(readFileSync(join(to, 'docs', 'a.txt'), 'utf8')).toBe('one');
});

test('a manifest under another number or source says nothing, and counts for no head', async () => {
  const bucket = await TestBucket.create();
  const first = await bucket.manifest([bucket.row('a')]);
  await bucket.manifest([bucket.row('a', 2, 'dir', { outcome: 'deleted' })]);
  await bucket.put(`manifests/${bucket.sourceId}/000000000003`, first.bytes);
  await bucket.put(`manifests/${'c'.repeat(32)}/000000000001`, first.bytes);
  const read = await bucket.read();
  expect(read.manifests).toMatchObject({ manifests: 2, refused: 2 });
  expect(read.manifests.firstRefused.map(({ reason }) => reason)).toEqual(['tampered', 'tampered']);
  expect(read.sources).toMatchObject([{ name: 'docs', head: { number: 2 } }]);
  expect((await bucket.restore(read)).items.size).toBe(0);
});

test('two manifests exchanged are both refused, and what they listed is adopted', async () => {
  const bucket = await TestBucket.create();
  const one = await bucket.manifest([await bucket.file('a.txt', 'one')]);
  const two = await bucket.manifest([await bucket.file('b.txt', 'two')]);
  for (const [{ name }, { bytes }] of [
    [one, two],
    [two, one],
  ] as const)
    for (const version of await bucket.store.versionsOf(name)) bucket.store.damage(version, () => bytes);
  const read = await bucket.read();
  expect(read.manifests).toMatchObject({ manifests: 0, refused: 2 });
  expect(read.adoption).toMatchObject({ adopted: 2 });
});
