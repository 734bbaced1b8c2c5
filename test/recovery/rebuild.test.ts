import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { parseConfig } from '../../src/config.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { headsFolder, noteHead } from '../../src/manifest/heads.ts';
import { missingDocuments } from '../../src/recovery/missing-documents.ts';
import { observationGap, rebuildCatalog } from '../../src/recovery/rebuild-catalog.ts';
import { recordFoundSources } from '../../src/recovery/rebuild-sources.ts';
import {
  beginRebuild,
  endRebuild,
  requireRebuildable,
  requireWholeCatalog,
} from '../../src/recovery/rebuild-state.ts';
import type { RestoreIndex, RestorePass, RestoreRow } from '../../src/restore/restore-index.ts';
import { usePostgres } from '../support/postgres.ts';
import { type Read, TestBucket } from './test-bucket.ts';

const postgres = usePostgres();

async function emptyCatalog(): Promise<{ catalog: Catalog; dump: () => Promise<Record<string, unknown[]>> }> {
  const { ownerUri, writerUri } = await postgres().database();
  const catalog = new Catalog(await openPool({ uri: writerUri }));
  onTestFinished(() => catalog.close());
  const dump = async (): Promise<Record<string, unknown[]>> => {
    const client = new pg.Client({ connectionString: ownerUri });
    await client.connect();
    try {
      const tables = [
        'entries',
        'contents',
        'versions',
        'scans',
        'sealings',
        'objects',
        'placements',
        'manifests',
      ];
      const rows: Record<string, unknown[]> = {};
      for (const name of tables) {
        // When a row was written is all that may differ.
        const sql = `select to_jsonb(t) - 'added_at' - 'at' as row from ${name} t order by 1`;
        rows[name] = (await client.query(sql)).rows;
      }
      return rows;
    } finally {
      await client.end();
    }
  };
  return { catalog, dump };
}

function rebuildingOf(bucket: TestBucket, read: Read, catalog: Catalog) {
  return {
    db: read.db,
    bucket: bucket.bucket(),
    catalog,
    ids: bucket.ids,
    run: 'd'.repeat(32),
    destination: 'primary',
    onProgress: () => {},
  };
}

async function withSources(bucket: TestBucket, read: Read, catalog: Catalog): Promise<void> {
  await recordFoundSources(catalog, read.sources, { config: config('/nowhere'), ids: bucket.ids });
}

const config = (path: string) =>
  parseConfig(
    JSON.stringify({
      version: 1,
      repository: 'a'.repeat(32),
      host: { id: 'b'.repeat(32) },
      sources: [{ name: 'docs', path }],
      destinations: [{ name: 'primary', bucket: 'backups', lock: { days: 7 } }],
    }),
    'holdfast.yaml',
  );

/** Two manifests, a deletion, a duplicate, a hard link, a version with verdict, one unlisted file, one lost object, a hold. */
async function variedBucket(): Promise<TestBucket> {
  const bucket = await TestBucket.create('pre/fix');
  const first = await bucket.file('a.txt', 'one');
  const verdict = {
    state: 'clean',
    engine: 'ClamAV 1.4.6',
    signatureRevision: 'r1',
    signaturesAt: '2026-02-01T00:00:00.000Z',
    signatureSet: 'official',
  } as const;
  await bucket.manifest([
    bucket.row('folder', 1, 'dir', { xattrs: { 'user.a': 'AA==' } }),
    {
      ...first,
      verdict,
      class: 'standard',
      classification: 'internal',
      bundle: 'c'.repeat(64),
      mediaType: 'text/plain',
    },
    await bucket.file('gone.txt', 'gone'),
    await bucket.file('lost.txt', 'lost', { withoutObject: true }),
    bucket.row('held.txt', 1, 'file', { outcome: 'held', reason: 'denied' }),
  ]);
  const second = await bucket.file('a.txt', 'two', { observation: 7 });
  await bucket.manifest([
    second,
    { ...bucket.duplicate(second, 'copy.txt'), verdict: { ...verdict, state: 'infected', signature: 'Bad' } },
    { ...bucket.duplicate(second, 'hard.txt'), hardlink: second.entry },
    bucket.row('gone.txt', 2, 'file', { outcome: 'deleted' }),
    bucket.row('link', 1, 'link', { linkTarget: Buffer.from('a.txt').toString('base64url') }),
  ]);
  await bucket.file('unlisted.txt', 'unlisted', { scope: 'restricted' });
  return bucket;
}

async function rowsOf(index: RestoreIndex, sourceId: string): Promise<RestoreRow[]> {
  const rows: RestoreRow[] = [];
  for (const pass of ['tree', 'hardlinks', 'links', 'folders'] satisfies RestorePass[]) {
    for await (const row of index.rows({ sourceId, path: Buffer.alloc(0) }, pass)) rows.push(row);
  }
  return rows;
}

test('a rebuilt catalog gives restore what the bucket itself gives it', async () => {
  const bucket = await variedBucket();
  const read = await bucket.read();
  const { catalog } = await emptyCatalog();
  await withSources(bucket, read, catalog);
  expect(await rebuildCatalog(rebuildingOf(bucket, read, catalog))).toEqual({
    entries: 9,
    versions: 11,
    objects: 4,
  });

  const index = catalogIndex(catalog);
  expect(await index.sourceIdOf('docs')).toBe(bucket.sourceId);
  const fromCatalog = await rowsOf(index, bucket.sourceId);
  const fromBucket = (await rowsOf(read.index, bucket.sourceId)).map((row) =>
    row.version?.kind === 'file'
      ? { ...row, version: { ...row.version, place: { ...row.version.place, destination: 'primary' } } }
      : row,
  );
  const named = (rows: readonly RestoreRow[], ...paths: string[]) =>
    rows.filter(({ path }) => !paths.includes(path.toString()));
  expect(named(fromCatalog, 'lost.txt', 'held.txt')).toEqual(named(fromBucket, 'lost.txt', 'held.txt'));
  expect(fromCatalog.find(({ path }) => path.equals(Buffer.from('lost.txt')))).not.toHaveProperty('version');
});

test('what was lost or held has failed, so that the next look protects it anew', async () => {
  const bucket = await variedBucket();
  const read = await bucket.read();
  const { catalog } = await emptyCatalog();
  await withSources(bucket, read, catalog);
  await rebuildCatalog(rebuildingOf(bucket, read, catalog));
  const rows = await catalog.rows(
    `select convert_from(e.path, 'UTF8') as path, e.observation, v.outcome, v.reason, v.journal
     from entries e join versions v on v.id = e.head_version_id order by path`,
  );
  const head = (path: string, outcome: string, more: object = {}) => ({
    path,
    outcome,
    reason: null,
    observation: observationGap + 1,
    ...more,
  });
  expect(rows).toEqual([
    head('a.txt', 'uploaded', { observation: observationGap + 7, journal: 2 }),
    head('copy.txt', 'duplicate', { journal: 2 }),
    head('folder', 'uploaded', { journal: 1 }),
    head('gone.txt', 'deleted', { observation: observationGap + 2, journal: 2 }),
    head('hard.txt', 'duplicate', { journal: 2 }),
    head('held.txt', 'failed', { reason: 'hold_lost', journal: null }),
    head('link', 'uploaded', { journal: 2 }),
    head('lost.txt', 'failed', { reason: 'object_lost', journal: null }),
    // Adopted: no manifest lists it yet.
    head('unlisted.txt', 'uploaded', { journal: null }),
  ]);
});

test('what expired stays expired: neither adopted from its sealed file nor told as lost', async () => {
  const bucket = await TestBucket.create();
  const [old, gone] = [await bucket.file('a.txt', 'old'), await bucket.file('gone.txt', 'gone')];
  const rows = [
    await bucket.file('a.txt', 'new', { observation: 2 }),
    bucket.row('gone.txt', 2, 'file', { outcome: 'deleted' }),
  ];
  await bucket.manifest([old, gone, ...rows]);
  const expired = [old, gone].map(({ placements: _, ...row }) => ({ ...row, reason: 'expired' }));
  await bucket.manifest(expired);
  const read = await bucket.read();
  expect(read.adoption).toMatchObject({ adopted: 0, superfluous: 2 });
  expect(read.sources).toMatchObject([{ entries: 1, older: 0, lost: 0 }]);
  expect(read.db.prepare('select count(*) as lost from version where standing = 0').get()).toEqual({
    lost: 0,
  });
  const { catalog } = await emptyCatalog();
  await withSources(bucket, read, catalog);
  await rebuildCatalog(rebuildingOf(bucket, read, catalog));
  const rebuilt = await catalog.rows(
    `select convert_from(e.path, 'UTF8') as path, v.observation, v.outcome, v.reason, count(p.version_id)::int as placements
     from versions v join entries e on e.id = v.entry_id left join placements p on p.version_id = v.id
     group by 1, 2, 3, 4 order by 1, 2`,
  );
  expect(rebuilt).toEqual([
    { path: 'a.txt', observation: 1, outcome: 'uploaded', reason: 'expired', placements: 0 },
    { path: 'a.txt', observation: 2, outcome: 'uploaded', reason: null, placements: 1 },
    { path: 'gone.txt', observation: 1, outcome: 'uploaded', reason: 'expired', placements: 0 },
    { path: 'gone.txt', observation: 2, outcome: 'deleted', reason: null, placements: 0 },
  ]);
});

test('a rebuild that is stopped anywhere goes on to the same catalog', async () => {
  const bucket = await variedBucket();
  const read = await bucket.read();
  const whole = await emptyCatalog();
  await withSources(bucket, read, whole.catalog);
  await rebuildCatalog(rebuildingOf(bucket, read, whole.catalog));
  const expected = await whole.dump();
  for (const stopAt of ['entries', 'versions', 'objects']) {
    const { catalog, dump } = await emptyCatalog();
    await withSources(bucket, read, catalog);
    const stopped = rebuildCatalog({
      ...rebuildingOf(bucket, read, catalog),
      onProgress: ({ what }) => {
        if (what === stopAt) throw new Error('killed');
      },
    });
    await expect(stopped).rejects.toThrow('killed');
    await rebuildCatalog(rebuildingOf(bucket, await bucket.read(), catalog));
    expect(await dump(), stopAt).toEqual(expected);
  }
});

test('the locks of manifests and of what was adopted are asked for, not invented', async () => {
  const bucket = await variedBucket();
  const read = await bucket.read();
  const { catalog } = await emptyCatalog();
  await withSources(bucket, read, catalog);
  await rebuildCatalog(rebuildingOf(bucket, read, catalog));
  const rows = await catalog.rows<{ retainUntil: Date }>(
    `select o.retain_until as "retainUntil" from objects o join placements p on p.object_id = o.id
     join versions v on v.id = p.version_id join entries e on e.id = v.entry_id where e.path = 'unlisted.txt'`,
  );
  const lockEnd = new Date('2026-03-08T10:00:00Z');
  expect(rows).toEqual([{ retainUntil: lockEnd }]);
  expect(await catalog.rows('select retain_until as "retainUntil" from manifests')).toEqual([
    { retainUntil: lockEnd },
    { retainUntil: lockEnd },
  ]);
});

test('only an empty catalog is rebuilt, or one whose rebuild is under way', async () => {
  const { catalog } = await emptyCatalog();
  await requireRebuildable(catalog);
  const { run, resumed } = await beginRebuild(catalog);
  expect(resumed).toBe(false);
  await catalog.recordSource({
    id: 's',
    name: 's',
    rootPath: Buffer.from('/'),
    device: 1n,
    inode: 1n,
    hostId: 'h',
  });
  await catalog.addEntries([{ id: 'e', sourceId: 's', path: Buffer.from('a') }]);
  expect(await beginRebuild(catalog)).toEqual({ run, resumed: true });
  await endRebuild(catalog, run);
  for (const refused of [() => requireRebuildable(catalog), () => beginRebuild(catalog)]) {
    const error = await refused().catch((problem) => problem);
    expect(isFailure(error, 'catalog_not_empty')).toBe(true);
  }
});

test('a source that was away gets the folder of the first host that serves it', async () => {
  const bucket = await TestBucket.create();
  const { catalog } = await emptyCatalog();
  const found = [{ id: bucket.sourceId, name: 'docs' }];
  await recordFoundSources(catalog, found, { config: config('/nowhere'), ids: bucket.ids });
  const record = (inode: bigint) =>
    catalog.recordSource({
      id: bucket.sourceId,
      name: 'docs',
      rootPath: Buffer.from('/srv/docs'),
      device: 5n,
      inode,
      hostId: 'c'.repeat(32),
    });
  expect(await record(42n)).toBe(42n);
  expect(await record(43n)).toBe(42n);
  const there = await emptyCatalog();
  await recordFoundSources(there.catalog, found, { config: config('/tmp'), ids: bucket.ids });
  expect(
    await there.catalog.rows(`select convert_from(root_path, 'UTF8') as path from sources where inode > 0`),
  ).toEqual([{ path: '/tmp' }]);
});

test('documents that the state folder lacks are taken from the bucket, planted ones are not', async () => {
  const bucket = await TestBucket.create();
  const { keyring } = await bucket.read();
  const [root, ...scopes] = bucket.documents;
  const planted = scopes.map(({ name, bytes }) => {
    const altered = Buffer.from(
      bytes.toString().replace(/(?<="wrapped":")./, (first) => (first === '_' ? 'A' : '_')),
    );
    return { name, bytes: altered };
  });
  expect(
    missingDocuments([...planted, ...bucket.documents, ...planted], root ? [root] : [], keyring),
  ).toEqual(scopes);
  expect(missingDocuments(planted, [], keyring)).toEqual([]);
});

test('nothing is protected into a catalog that was lost, or whose rebuild is under way', async () => {
  const { catalog } = await emptyCatalog();
  const home = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  await requireWholeCatalog(catalog, home);
  await noteHead(headsFolder(home), 'a'.repeat(32), {
    number: 3,
    sha256: 'b'.repeat(64),
    at: '2026-03-01T10:00:00Z',
  });
  const refusal = async () => (await requireWholeCatalog(catalog, home).catch((error) => error)).code;
  expect(await refusal()).toBe('catalog_lost');
  const { run } = await beginRebuild(catalog);
  expect(await refusal()).toBe('rebuild_unfinished');
  await endRebuild(catalog, run);
  await requireWholeCatalog(catalog, home);
});
