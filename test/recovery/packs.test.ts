import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { rebuildCatalog } from '../../src/recovery/rebuild-catalog.ts';
import { usePostgres } from '../support/postgres.ts';
import { password, TestBucket } from './test-bucket.ts';

const postgres = usePostgres();
const text = (to: string, ...names: string[]): string => readFileSync(join(to, 'docs', ...names), 'utf8');
const files = { 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' };

test('files in packs come back from manifests, with few requests', async () => {
  const bucket = await TestBucket.create('some/prefix');
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`${at}.txt`, `content ${at}`]));
  const rows = await bucket.pack(many);
  const [first] = rows;
  await bucket.manifest([...rows, bucket.duplicate(first as (typeof rows)[0], 'copy.txt')]);
  const get = vi.spyOn(bucket.store, 'get');
  const read = await bucket.read();
  const reads = get.mock.calls.filter(([{ key }]) => key.includes('/packs/'));
  expect(reads).toHaveLength(1);
  expect(read.sources).toMatchObject([{ entries: 201, older: 0, lost: 0 }]);
  expect(read.adoption).toEqual({ adopted: 0, superfluous: 0, garbage: 0, messages: 0 });
  get.mockClear();
  const { to, items } = await bucket.restore(read);
  expect(get).toHaveBeenCalledTimes(1);
  expect(items).toHaveLength(201);
  expect(text(to, '7.txt')).toBe('content 7');
  expect(text(to, 'copy.txt')).toBe('content 0');
});

test('members that no manifest records are adopted, beside those that one does', async () => {
  const bucket = await TestBucket.create();
  const [a] = await bucket.pack(files);
  await bucket.manifest([a as NonNullable<typeof a>]);
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 2, superfluous: 0, garbage: 0 });
  const { to } = await bucket.restore(read);
  expect(Object.keys(files).map((name) => text(to, name))).toEqual(Object.values(files));
});

test('without any manifest all is adopted; a version that was packed twice counts once', async () => {
  const bucket = await TestBucket.create();
  await bucket.pack(files);
  await bucket.pack(files);
  await bucket.file('d.txt', 'four');
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 4, superfluous: 3, garbage: 0 });
  const { to } = await bucket.restore(read);
  expect(['a.txt', 'd.txt'].map((name) => text(to, name))).toEqual(['one', 'four']);
});

test('a copied bucket has other version ids, and planted versions before and behind the real one', async () => {
  const bucket = await TestBucket.create();
  const [, b, c] = await bucket.pack(files);
  await bucket.manifest([b as NonNullable<typeof b>, c as NonNullable<typeof c>]);
  const copy = await TestBucket.create();
  for (const version of await bucket.versions()) {
    if (version.key.startsWith('keys/')) continue;
    const body = await bucket.store.get(version);
    const isPack = version.key.startsWith('packs/');
    if (isPack) copy.store.plantVersion(version.key, Buffer.alloc(body.length, 'x'));
    copy.store.plantVersion(version.key, body);
    // The last bytes, with which a reader begins, are those of the real one.
    const damaged = Buffer.concat([Buffer.alloc(body.length - 400, 'y'), body.subarray(-400)]);
    if (isPack) copy.store.plantVersion(version.key, damaged);
  }
  const read = await copy.read();
  expect(read.adoption).toMatchObject({ adopted: 1, garbage: 1 });
  const { to } = await copy.restore(read);
  expect(Object.keys(files).map((name) => text(to, name))).toEqual(Object.values(files));
});

test('a pack under another name, one whose index is damaged, and a delete marker over one', async () => {
  const bucket = await TestBucket.create();
  const [a] = await bucket.pack(files);
  const [listed] = await bucket.pack({ 'listed.txt': 'listed' });
  await bucket.pack({ 'unlisted.txt': 'unlisted' });
  const key = a?.placements?.[0]?.object ?? '';
  const [original] = await bucket.store.versionsOf(key);
  const bytes = await bucket.store.get(original as NonNullable<typeof original>);
  bucket.store.plantVersion(`packs/${'0'.repeat(64)}`, bytes);
  bucket.store.plantDeleteMarker(key);
  await bucket.manifest([listed as NonNullable<typeof listed>]);
  for (const version of await bucket.versions('packs/'))
    if (version.lengthBytes < bytes.length && !version.isDeleteMarker)
      bucket.store.damage(version, (body) => body.fill(0, body.length - 200, body.length - 100));
  const read = await bucket.read();
  // The copy, and both indexes: of one of them a manifest knows what lies before it.
  expect(read.adoption).toMatchObject({ adopted: 3, garbage: 3 });
  const { to, items } = await bucket.restore(read);
  expect(text(to, 'a.txt')).toBe('one');
  expect(text(to, 'listed.txt')).toBe('listed');
  expect(items.has('unlisted.txt')).toBe(false);
});

test('in a copied bucket a pack without a sound index is found by what manifests say of its members', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest(await bucket.pack(files));
  const copy = await TestBucket.create();
  copy.store.plantVersion('elsewhere', Buffer.alloc(1));
  for (const version of await bucket.versions()) {
    if (version.key.startsWith('keys/')) continue;
    const body = await bucket.store.get(version);
    if (!version.key.startsWith('packs/')) copy.store.plantVersion(version.key, body);
    else {
      copy.store.plantVersion(version.key, Buffer.alloc(body.length, 'x'));
      copy.store.plantVersion(version.key, body.fill(0, body.length - 200, body.length - 100));
      copy.store.plantVersion(version.key, body.subarray(0, 100));
    }
  }
  const read = await copy.read();
  expect(read.sources).toMatchObject([{ older: 0, lost: 0 }]);
  const { to } = await copy.restore(read);
  expect(Object.keys(files).map((name) => text(to, name))).toEqual(Object.values(files));
});

test('a damaged member is not adopted, and takes none of its neighbours with it', async () => {
  const bucket = await TestBucket.create();
  const rows = await bucket.pack(files);
  const place = rows[1]?.placements?.[0];
  const [version] = await bucket.versions('packs/');
  // In its metadata: what is adopted says by them whose it is.
  bucket.store.damage(version as NonNullable<typeof version>, (body) => {
    const at = (place?.offset ?? 0) + 30;
    body[at] = (body[at] ?? 0) ^ 1;
    return body;
  });
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 2, garbage: 1 });
  const { items } = await bucket.restore(read);
  expect([...items.keys()]).toEqual(['a.txt', 'c.txt']);
});

test('a pack of a shredded scope is told by its key', async () => {
  const bucket = await TestBucket.create();
  await bucket.pack(files, { scope: 'restricted' });
  for (const { key } of await bucket.versions('keys/scope/')) {
    const document = bucket.documents.find(({ name, bytes }) => name === key && bytes.length > 0);
    const isRestricted = key.endsWith(bucket.keys.sealingKey('restricted').id.toString('hex'));
    const [version] = await bucket.store.versionsOf(key);
    if (document && isRestricted && version) bucket.store.lose(version);
  }
  const read = await bucket.read({ password });
  const keyId = bucket.keys.sealingKey('restricted').id.toString('hex');
  expect(read.unreadable).toEqual([{ keyId, rows: 0, objects: 1 }]);
  expect(read.adoption).toMatchObject({ adopted: 0, garbage: 0 });
});

test('a rebuilt catalog restores from packs, its members where they lie; rebuilt again it is the same', async () => {
  const bucket = await TestBucket.create();
  const rows = await bucket.pack(files);
  await bucket.manifest([...rows.slice(0, 1), bucket.duplicate(rows[0] as (typeof rows)[0], 'copy.txt')]);
  const read = await bucket.read();
  const { ownerUri, writerUri } = await postgres().database();
  const catalog = new Catalog(await openPool({ uri: writerUri }));
  const owner = new pg.Client({ connectionString: ownerUri });
  await owner.connect();
  onTestFinished(() => Promise.all([catalog.close(), owner.end()]).then(() => {}));
  await owner.query(
    `insert into sources (id, name, root_path, device, inode, host_id) values ($1, 'docs', '/docs', 1, 1, 'h')`,
    [bucket.sourceId],
  );
  const rebuilding = {
    ...{ db: read.db, bucket: bucket.bucket(), catalog, ids: bucket.ids, run: 'd'.repeat(32) },
    ...{ destination: 'bucket', onProgress: () => {} },
  };
  const head = vi.spyOn(bucket.store, 'head');
  await rebuildCatalog(rebuilding);
  expect(head.mock.calls.filter(([{ key }]) => key.startsWith('packs/'))).toHaveLength(1);
  const dump = async (): Promise<unknown[]> =>
    (
      await owner.query(
        `select to_jsonb(m) as member, p.version_id, o.pack_id = m.pack_id and o.sealing_id is null as "isPack"
         from pack_members m join objects o on o.pack_id = m.pack_id
         left join placements p on p.object_id = o.id and p.byte_offset = m.byte_offset order by m.position, 2`,
      )
    ).rows;
  const first = await dump();
  const expected = rows.map((row, position) => ({
    position,
    byte_offset: row.placements?.[0]?.offset,
    length: row.placements?.[0]?.length,
    sha256: `\\x${row.placements?.[0]?.sealedSha256}`,
  }));
  // The first member is that of two versions.
  expect(first).toHaveLength(4);
  for (const member of expected)
    expect(first).toContainEqual(
      expect.objectContaining({ member: expect.objectContaining(member), isPack: true }),
    );
  await rebuildCatalog(rebuilding);
  expect(await dump()).toEqual(first);

  const { to, items } = await bucket.restore({ index: catalogIndex(catalog) as never, keys: read.keys });
  expect([...items.values()].every(({ result }) => result === 'restored')).toBe(true);
  expect(['a.txt', 'b.txt', 'c.txt', 'copy.txt'].map((name) => text(to, name))).toEqual([
    'one',
    'two',
    'three',
    'one',
  ]);
});
