import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import type { Id } from '../../src/domain/records.ts';
import type { RestoreRow, Selection } from '../../src/restore/restore-index.ts';
import { type Given, TestRepository } from '../restore/repository.ts';
import { usePostgres } from '../support/postgres.ts';
import { addObserved, day, reopen } from './observed.ts';

const postgres = usePostgres();

let catalog: Catalog;
let repository: TestRepository;

beforeAll(async () => {
  catalog = new Catalog(await openPool({ uri: (await postgres().database()).writerUri }));
});
afterAll(() => catalog.close());

beforeEach(async () => {
  repository = await new TestRepository(catalog).open();
});

const add = (path: string, observed: number, given: Given = {}) =>
  addObserved(repository, path, observed, given);

const selected = (more: Partial<Selection> = {}): Selection => ({
  sourceId: repository.sourceId,
  path: Buffer.alloc(0),
  ...more,
});

async function rows(more: Partial<Selection> = {}): Promise<RestoreRow[]> {
  const index = catalogIndex(catalog);
  const found: RestoreRow[] = [];
  for (const pass of ['tree', 'hardlinks', 'links'] as const) {
    for await (const row of index.rows(selected(more), pass)) found.push(row);
  }
  const totals = await index.totals(selected(more));
  expect(totals.entries).toBe(found.length);
  expect(totals.files).toBe(found.filter((row) => row.version?.kind === 'file').length);
  return found;
}

/** Path and version of each entry; `none` for what was never protected. */
const told = (found: readonly RestoreRow[]): [string, Id | 'none'][] =>
  found.map(({ path, version }) => [path.toString(), version?.id ?? 'none']);

describe('as it was at a moment', () => {
  test('each entry has the newest version that was observed by then', async () => {
    const first = await add('a', 1, { content: 'one' });
    const second = await add('a', 5, { content: 'two' });
    const third = await add('a', 9, { content: 'three' });
    expect(told(await rows({ at: day(1) }))).toEqual([['a', first.versionId]]);
    expect(told(await rows({ at: day(4) }))).toEqual([['a', first.versionId]]);
    expect(told(await rows({ at: day(5) }))).toEqual([['a', second.versionId]]);
    expect(told(await rows({ at: day(30) }))).toEqual([['a', third.versionId]]);
    expect(told(await rows())).toEqual([['a', third.versionId]]);
  });

  test('all of the millisecond it names counts', async () => {
    const { versionId } = await add('a', 1);
    await catalog.rows("update versions set observed_at = '2026-11-05T10:00:00.123999Z' where id = $1", [
      versionId,
    ]);
    expect(await rows({ at: new Date('2026-11-05T10:00:00.123Z') })).toHaveLength(1);
    expect(await rows({ at: new Date('2026-11-05T10:00:00.122Z') })).toHaveLength(0);
  });

  test('what was seen for the first time later is not there yet', async () => {
    await add('early', 1);
    await add('late', 5);
    expect(told(await rows({ at: day(3) })).map(([path]) => path)).toEqual(['early']);
    expect(await rows({ at: new Date('2026-10-31') })).toEqual([]);
  });

  test('what was deleted by then is gone, and is there before it and when it came back', async () => {
    const first = await add('a', 1);
    await add('a', 4, { outcome: 'deleted' });
    expect(told(await rows({ at: day(3) }))).toEqual([['a', first.versionId]]);
    expect(await rows({ at: day(4) })).toEqual([]);
    expect(await rows()).toEqual([]);
    const again = await add('a', 8, { content: 'again' });
    expect(await rows({ at: day(5) })).toEqual([]);
    expect(told(await rows({ at: day(8) }))).toEqual([['a', again.versionId]]);
  });

  test('an earlier version stands in for one that was not protected, and the newest by then is told', async () => {
    const first = await add('a', 1);
    const failed = await add('a', 4, { outcome: 'failed', reason: 'unreadable' });
    await add('a', 6, { content: 'later' });
    const [row] = await rows({ at: day(5) });
    expect(row?.version?.id).toBe(first.versionId);
    expect(row?.head).toEqual({ id: failed.versionId, kind: 'file', outcome: 'failed' });
  });

  test('a version that was cancelled, or is under way still, takes no other one’s place', async () => {
    const first = await add('a', 1);
    await add('a', 3, { outcome: 'cancelled' });
    const open = await add('a', 4, { content: 'large' });
    await reopen(repository, open.versionId);
    const [row] = await rows({ at: day(5) });
    expect([row?.head?.id, row?.version?.id]).toEqual([first.versionId, first.versionId]);
  });

  test('an entry whose only version was under way is told as never protected', async () => {
    const open = await add('a', 1);
    await reopen(repository, open.versionId);
    expect(await rows({ at: day(2) })).toMatchObject([{ path: Buffer.from('a') }]);
    expect(told(await rows({ at: day(2) }))).toEqual([['a', 'none']]);
  });

  test('an entry counts in the pass of what it was then', async () => {
    await add('a', 1, { kind: 'dir' });
    await add('a', 3, { kind: 'link', linkTarget: 'b' });
    await add('a', 5, { content: 'file' });
    const index = catalogIndex(catalog);
    for (const [at, folders, links, files] of [
      [day(1), 1, 0, 0],
      [day(3), 0, 1, 0],
      [day(5), 0, 0, 1],
    ] as const) {
      expect(await index.totals(selected({ at }))).toMatchObject({ folders, links, files });
      const passed: string[] = [];
      for (const pass of ['tree', 'links', 'folders', 'hardlinks'] as const) {
        for await (const _ of index.rows(selected({ at }), pass)) passed.push(pass);
      }
      expect(passed).toEqual(folders ? ['tree', 'folders'] : links ? ['links'] : ['tree']);
    }
  });
});

describe('one version', () => {
  test('is what is restored, whatever came after it', async () => {
    const first = await add('a', 1, { content: 'one' });
    await add('a', 2, { content: 'two' });
    await add('a', 3, { outcome: 'deleted' });
    await add('b', 1);
    const [row, ...more] = await rows({ versionId: first.versionId });
    expect(more).toEqual([]);
    expect([row?.version?.id, row?.head?.id]).toEqual([first.versionId, first.versionId]);
    expect(row?.version).toMatchObject({ kind: 'file', sizeBytes: 3 });
  });

  test('that was not protected is told so; a tombstone and an unknown one are nothing', async () => {
    await add('a', 1);
    const failed = await add('a', 2, { outcome: 'failed' });
    const deleted = await add('a', 3, { outcome: 'deleted' });
    expect(told(await rows({ versionId: failed.versionId }))).toEqual([['a', 'none']]);
    expect(await rows({ versionId: deleted.versionId })).toEqual([]);
    expect(await rows({ versionId: 'f'.repeat(32) })).toEqual([]);
  });

  test('of another path than the one that is asked for is nothing', async () => {
    const { versionId } = await add('a/b', 1);
    expect(await rows({ versionId, path: Buffer.from('a') })).toHaveLength(1);
    expect(await rows({ versionId, path: Buffer.from('c') })).toEqual([]);
  });

  test('of a folder is the folder alone', async () => {
    const folder = await add('a', 1, { kind: 'dir' });
    await add('a/b', 1);
    expect(told(await rows({ versionId: folder.versionId }))).toEqual([['a', folder.versionId]]);
  });
});

test('a path selects itself and what is below it, not what begins like it', async () => {
  for (const path of ['a', 'a!', 'a-b', 'a.txt', 'a/!', 'a/b', 'a/b/c', 'a0', 'aa', 'A/b'])
    await add(path, 1);
  const found = async (path: string) => (await rows({ path: Buffer.from(path) })).map((row) => `${row.path}`);
  expect(await found('a')).toEqual(['a', 'a/!', 'a/b', 'a/b/c']);
  expect(await found('a/b')).toEqual(['a/b', 'a/b/c']);
  expect(await found('a/b/c')).toEqual(['a/b/c']);
  expect(await found('b')).toEqual([]);
});

test('an object that still exists is read before one that was lost', async () => {
  const { versionId, objectId } = await add('a', 1);
  await catalog.rows(
    `insert into objects (id, destination, key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state)
     select md5(id), 'another', key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state
     from objects where id = $1`,
    [objectId],
  );
  await catalog.rows(
    `insert into placements (version_id, destination, object_id, state) values ($1, 'another', md5($2), 'committed')`,
    [versionId, objectId],
  );
  const place = async () => {
    const [row] = await rows();
    return row?.version?.kind === 'file' ? row.version.place.destination : undefined;
  };
  expect(await place()).toBe('another');
  await catalog.rows(`update objects set state = 'deleted' where destination = 'another'`);
  expect(await place()).toBe('main');
});

test('hard links of a selection name what they are links of, at any time', async () => {
  const first = await add('a', 1);
  await add('b/link', 2, { hardlink: first.entryId, sharing: first });
  await add('c', 1);
  const index = catalogIndex(catalog);
  expect(await index.hardlinkTargets(selected())).toEqual(new Set([first.entryId]));
  expect(await index.hardlinkTargets(selected({ path: Buffer.from('c') }))).toEqual(new Set());
  expect(await index.totals(selected({ at: day(1) }))).toMatchObject({ files: 2, hardlinks: 0 });
  expect(await index.totals(selected())).toMatchObject({ files: 3, hardlinks: 1 });
});
