import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import { rootDocument } from '../../src/keys/create-keyring.ts';
import { withScratch } from '../../src/recovery/scratch.ts';
import { VersionRecorder } from '../../src/recovery/version-recorder.ts';
import { drawSecrets } from '../../src/sealed/keyring.ts';
import { password, TestBucket } from './test-bucket.ts';

const text = (to: string, ...names: string[]): string => readFileSync(join(to, 'docs', ...names), 'utf8');

test('a source comes back from its manifests: folders, files, duplicates, links, hard links and deletions', async () => {
  const bucket = await TestBucket.create('some/prefix');
  const first = await bucket.file('a/one.txt', 'first words');
  const gone = await bucket.file('a/gone.txt', 'not any more');
  await bucket.manifest([bucket.row('a'), first, gone]);
  const second = await bucket.file('a/one.txt', 'second words', { observation: 2 });
  await bucket.manifest([
    second,
    bucket.row('a/gone.txt', 2, 'file', { outcome: 'deleted' }),
    bucket.duplicate(second, 'copy.txt'),
    bucket.row('link', 1, 'link', { linkTarget: Buffer.from('a/one.txt').toString('base64url') }),
    { ...bucket.duplicate(second, 'hard.txt'), hardlink: second.entry },
    bucket.row('secret.exe', 1, 'file', { outcome: 'ignored', reason: 'rule' }),
  ]);

  const read = await bucket.read();
  expect(read.sources).toMatchObject([
    { name: 'docs', head: { number: 2 }, gaps: [], rollback: 'unknown', entries: 6, older: 0, lost: 0 },
  ]);
  expect(read.adoption).toMatchObject({ adopted: 0, garbage: 0 });
  const { to, items } = await bucket.restore(read);
  expect(text(to, 'a', 'one.txt')).toBe('second words');
  expect(text(to, 'copy.txt')).toBe('second words');
  expect(readlinkSync(join(to, 'docs', 'link'))).toBe('a/one.txt');
  expect(statSync(join(to, 'docs', 'hard.txt')).ino).toBe(statSync(join(to, 'docs', 'a', 'one.txt')).ino);
  expect(statSync(join(to, 'docs', 'a', 'one.txt'), { bigint: true }).mtimeNs).toBe(
    1_700_000_000_123_456_789n,
  );
  expect(readdirSync(join(to, 'docs', 'a'))).toEqual(['one.txt']);
  expect(items.get('secret.exe')).toMatchObject({ result: 'missing', reason: 'ignored' });
});

test('the state at an earlier moment, and one version whatever came later', async () => {
  const bucket = await TestBucket.create();
  const [old, newer] = [
    await bucket.file('a.txt', 'old', { observation: 1 }),
    await bucket.file('a.txt', 'new', { observation: 100 }),
  ];
  await bucket.manifest([
    old,
    newer,
    bucket.row('later', 50),
    bucket.row('a.txt', 200, 'file', { outcome: 'deleted' }),
  ]);
  const read = await bucket.read();
  const names = async (at: Date) => {
    const rows: string[] = [];
    for await (const row of read.index.rows({ sourceId: bucket.sourceId, path: Buffer.alloc(0), at }, 'tree'))
      rows.push(`${row.path} ${row.version?.id}`);
    return rows;
  };
  expect(await names(new Date(old.observedAt))).toEqual([`a.txt ${old.version}`]);
  expect(await names(new Date(newer.observedAt))).toEqual([
    `a.txt ${newer.version}`,
    expect.stringMatching(/^later /),
  ]);
  expect(await names(new Date('2030-01-01'))).toEqual([expect.stringMatching(/^later /)]);
  const one = { sourceId: bucket.sourceId, path: Buffer.alloc(0), versionId: old.version };
  expect(await read.index.totals(one)).toMatchObject({ entries: 1, files: 1, bytes: 3 });
});

test('a path selects itself and what is below it, and no name that only begins alike', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest(['a', 'a/b', 'a/b/c', 'a/b-c', 'a/b0'].map((path) => bucket.row(path)));
  const { index } = await bucket.read();
  const paths: string[] = [];
  for await (const row of index.rows({ sourceId: bucket.sourceId, path: Buffer.from('a/b') }, 'folders'))
    paths.push(row.path.toString());
  expect(paths).toEqual(['a/b/c', 'a/b']);
});

test('a delete marker over every object hides nothing', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([await bucket.file('a.txt', 'words')]);
  const keys = await bucket.keysBelow();
  for (const key of keys) bucket.store.plantDeleteMarker(key);
  const read = await bucket.read();
  expect(read.listing.deleteMarkers).toBe(keys.length);
  const { to } = await bucket.restore(read);
  expect(text(to, 'a.txt')).toBe('words');
});

test('a garbage version over every object, the keyring and the manifests is passed over and counted', async () => {
  const bucket = await TestBucket.create();
  const row = await bucket.file('a.txt', 'words');
  await bucket.manifest([row]);
  await bucket.file('unlisted.txt', 'more words');
  for (const key of await bucket.keysBelow())
    bucket.store.plantVersion(key, Buffer.alloc(row.placements?.[0]?.length ?? 0, 'x'));
  const read = await bucket.read();
  expect(read.refusedDocuments).toBe(bucket.documents.length);
  expect(read.manifests).toMatchObject({ manifests: 1, refused: 1, firstRefused: [{ reason: 'tampered' }] });
  expect(read.adoption).toMatchObject({ adopted: 1 });
  const { to } = await bucket.restore(read);
  expect(text(to, 'a.txt')).toBe('words');
  expect(text(to, 'unlisted.txt')).toBe('more words');
});

test('garbage below the real version, as in a bucket copied version by version, is passed over too', async () => {
  const bucket = await TestBucket.create();
  const row = await bucket.file('a.txt', 'words');
  await bucket.manifest([row]);
  await bucket.file('unlisted.txt', 'more words');
  const copy = await TestBucket.create();
  // Its version ids are none of the recorded ones.
  for (let n = 0; n < 100; n++) copy.store.plantVersion('elsewhere', Buffer.alloc(1));
  const real: string[] = [];
  for (const version of await bucket.versions()) {
    if (version.key.startsWith('keys/')) continue;
    copy.store.plantVersion(version.key, Buffer.alloc(version.lengthBytes, 'x'));
    real.push(copy.store.plantVersion(version.key, await bucket.store.get(version)));
    copy.store.plantVersion(version.key, Buffer.alloc(version.lengthBytes, 'y'));
  }
  const read = await copy.read();
  expect(read.manifests).toMatchObject({ manifests: 1, refused: 2 });
  expect(read.adoption).toMatchObject({ adopted: 1, garbage: 1 });
  const located = read.db.prepare('select version_id as id from object').all();
  expect(located).toHaveLength(2);
  for (const { id } of located) expect(real).toContain(id);
  const { to } = await copy.restore(read);
  expect(text(to, 'a.txt')).toBe('words');
  expect(text(to, 'unlisted.txt')).toBe('more words');
});

test('with the newest manifests withheld files are adopted, and a head known from elsewhere tells of it', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([await bucket.file('a.txt', 'one')]);
  const newer = await bucket.file('a.txt', 'two', { observation: 2 });
  const only = await bucket.file('only.txt', 'adopted');
  const withheld = await bucket.manifest([newer, only, bucket.row('folder')], {}, { withheld: true });
  const known = (head: object) => ({ expectedHeads: new Map([['docs', head as never]]) });

  const read = await bucket.read(known({ number: 2, sha256: withheld.sha256 }));
  expect(read.sources).toMatchObject([{ head: { number: 1 }, rollback: 'older', entries: 2 }]);
  expect(read.adoption.adopted).toBe(2);
  const { to, items } = await bucket.restore(read);
  expect(text(to, 'a.txt')).toBe('two');
  expect(text(to, 'only.txt')).toBe('adopted');
  expect(items.has('folder')).toBe(false);

  expect((await bucket.read(known({ number: 1 }))).sources).toMatchObject([{ rollback: 'none' }]);
  const forked = await bucket.read(known({ number: 1, sha256: 'f'.repeat(64) }));
  expect(forked.sources).toMatchObject([{ rollback: 'forked' }]);
});

test('with every manifest withheld the files come back under the id of their source', async () => {
  const bucket = await TestBucket.create();
  const row = await bucket.file('deep/er/a.txt', 'words', { scope: 'restricted' });
  await bucket.file('hard.txt', 'words', { hardlink: row.entry });
  const read = await bucket.read({ expectedHeads: new Map([['elsewhere', { number: 3 }]]) });
  expect(read.sources).toMatchObject([
    { id: bucket.sourceId, name: bucket.sourceId, head: undefined, entries: 2 },
    { name: 'elsewhere', rollback: 'older', entries: 0 },
  ]);
  const { to } = await bucket.restore(read, { source: bucket.sourceId });
  expect(readFileSync(join(to, bucket.sourceId, 'deep/er/a.txt'), 'utf8')).toBe('words');
});

test('a manifest missing in the middle is told, and what it listed alone is adopted', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([bucket.row('a')]);
  await bucket.manifest([await bucket.file('b.txt', 'b')], {}, { withheld: true });
  await bucket.manifest([bucket.row('c')]);
  const read = await bucket.read();
  expect(read.sources).toMatchObject([{ gaps: [{ after: 1, before: 3, covered: false }] }]);
  expect(read.adoption.adopted).toBe(1);
});

test('what an absent key covers is counted by its id, everything else comes back', async () => {
  const bucket = await TestBucket.create();
  const open = await bucket.file('open.txt', 'open');
  const shut = await bucket.file('shut.txt', 'shut', { scope: 'restricted' });
  await bucket.manifest(
    new Map([
      ['default', [open]],
      ['restricted', [shut]],
    ]),
  );
  await bucket.file('unlisted.txt', 'shut too', { scope: 'restricted' });
  const key = shut.placements?.[0]?.key ?? '';
  const document = bucket.documents.find(({ name }) => name.endsWith(key));
  bucket.now = new Date('2027-01-01');
  for (const version of await bucket.store.versionsOf(document?.name ?? ''))
    expect(await bucket.store.deleteVersion(version)).toBe('deleted');
  const read = await bucket.read();
  // The row's own object is unlisted as well: its row cannot be read.
  expect(read.unreadable).toEqual([{ keyId: key, rows: 1, objects: 2 }]);
  const { items } = await bucket.restore(read);
  expect([...items.keys()]).toEqual(['open.txt']);
});

test('where the newest object is gone an earlier version is given, and what is lost is failed and counted', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([
    await bucket.file('a.txt', 'one'),
    await bucket.file('a.txt', 'two', { observation: 2, withoutObject: true }),
    await bucket.file('lost.txt', 'lost', { withoutObject: true }),
  ]);
  const read = await bucket.read();
  expect(read.sources).toMatchObject([{ entries: 2, older: 1, lost: 1 }]);
  const { to, items } = await bucket.restore(read);
  expect(text(to, 'a.txt')).toBe('one');
  expect(items.get('a.txt')).toMatchObject({ result: 'restored', older: 'uploaded' });
  expect(items.get('lost.txt')).toMatchObject({ result: 'failed', reason: 'object_missing', damaged: true });
});

test('an object made for a version that a manifest tells of otherwise is not adopted', async () => {
  const bucket = await TestBucket.create();
  const { placements: _, ...failed } = await bucket.file('a.txt', 'held back');
  await bucket.manifest([{ ...failed, outcome: 'held' }]);
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 0, superfluous: 1 });
  expect((await bucket.restore(read)).items.get('a.txt')).toMatchObject({
    result: 'missing',
    reason: 'held',
  });
});

test('an entry deleted in the newest manifest stays deleted although an older sealed file is unlisted', async () => {
  const bucket = await TestBucket.create();
  await bucket.file('a.txt', 'old');
  await bucket.manifest([bucket.row('a.txt', 2, 'file', { outcome: 'deleted' })]);
  const read = await bucket.read();
  expect(read.adoption.adopted).toBe(1);
  expect((await bucket.restore(read)).items.size).toBe(0);
});

test('a sealed file copied under another name is no evidence of anything', async () => {
  const bucket = await TestBucket.create();
  const row = await bucket.file('a.txt', 'words');
  const [version] = await bucket.versions('objects/');
  const bytes = await bucket.store.get(version as never);
  bucket.now = new Date('2027-01-01');
  await bucket.store.deleteVersion(version as never);
  await bucket.put(
    (row.placements?.[0]?.object ?? '').replace(/^objects\/./, 'objects/0').replace(/.$/, '0'),
    bytes,
  );
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 0, garbage: 1 });
});

test('a later manifest corrects what an earlier one says of a version, in whatever order they are recorded', async () => {
  const bucket = await TestBucket.create();
  const row = await bucket.file('a.txt', 'words');
  const { placements: _, ...held } = row;
  await bucket.manifest([{ ...held, outcome: 'held' }]);
  await bucket.manifest([row]);
  const read = await bucket.read();
  expect((await bucket.restore(read)).items.get('a.txt')).toMatchObject({ result: 'restored' });
  const outcome = () => read.db.prepare('select outcome from version').get()?.outcome;
  const recorder = new VersionRecorder(read.db, bucket.ids);
  recorder.add(bucket.sourceId, { ...held, outcome: 'failed' }, { scope: 'default', journal: 1 });
  expect(outcome()).toBe('uploaded');
  recorder.add(bucket.sourceId, { ...held, outcome: 'failed' }, { scope: 'default', journal: 3 });
  expect(outcome()).toBe('failed');
  expect(read.db.prepare('select count(*) as count from place').get()?.count).toBe(0);
});

test('no keyring, the wrong password and a planted keyring are told apart', async () => {
  const bucket = await TestBucket.create('there/it is');
  const elsewhere = await bucket.read({ bucket: { ...bucket.bucket(), prefix: '' } }).catch((error) => error);
  expect(isFailure(elsewhere, 'no_repository')).toBe(true);
  expect(elsewhere.message).toContain('there/it is');
  const wrong = await bucket.read({ password: Buffer.from('something else') }).catch((error) => error);
  expect(isFailure(wrong, 'wrong_password')).toBe(true);

  const foreign = { repositoryId: 'b'.repeat(32), generation: 9, holder: 'owner', ...drawSecrets() };
  const planted = await rootDocument(foreign, Buffer.from('their own password'));
  await bucket.put(planted.name, planted.bytes);
  expect((await bucket.read()).keyring.root.repositoryId).toBe('a'.repeat(32));
  expect((await bucket.read({ password })).keyring.openedGeneration).toBe(1);
});

test('nothing of the temporary database is left in its folder', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([bucket.row('a')]);
  const { db } = await bucket.read();
  const file = db.location();
  expect(file).toMatch(/holdfast-recovery-/);
  expect(statSync(file ?? '', { throwIfNoEntry: false })).toBeUndefined();
});

test('a path that leads out of the target is refused by whoever restores, whatever a bucket made of it', async () => {
  const bucket = await TestBucket.create();
  await bucket.manifest([await bucket.file('a.txt', 'words'), bucket.row('folder')]);
  const read = await bucket.read();
  // No manifest and no sealed file with such a path would be read: this is what would happen if one were.
  read.db
    .prepare('update entry set path = ? where path = ?')
    .run(Buffer.from('../no name leads out'), Buffer.from('a.txt'));
  const { to, items } = await bucket.restore(read);
  expect(items.get('../no name leads out')).toMatchObject({ result: 'failed', reason: 'unsafe_path' });
  expect(readdirSync(to)).toEqual(['docs']);
});

test('a folder for temporary data that is not there or full is told', async () => {
  const missing = await withScratch('/nowhere', async () => {}).catch((error) => error);
  expect(isFailure(missing, 'work_folder_unusable')).toBe(true);
  const full = withScratch(undefined, async (db) => {
    db.exec('pragma max_page_count = 32; create table big (a)');
    db.prepare('insert into big values (zeroblob(10000000))').run();
  });
  const error = await full.catch((problem) => problem);
  expect(error.message).toContain('no room left');
});
