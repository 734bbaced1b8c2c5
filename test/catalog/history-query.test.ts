import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import {
  changesBetween,
  entriesBelow,
  entriesInFolder,
  matchingVersions,
  type Past,
  type PastEntry,
} from '../../src/catalog/history-query.ts';
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

const past = (path = '', at?: Date): Past => ({
  sourceId: repository.sourceId,
  path: Buffer.from(path),
  ...(at === undefined ? {} : { at }),
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const paths = async (entries: AsyncIterable<Pick<PastEntry, 'path'>>): Promise<string[]> =>
  (await all(entries)).map(({ path }) => path.toString());

describe('a folder', () => {
  test('lists what is directly in it, whatever lies deeper and sorts between', async () => {
    for (const path of ['a', 'a/x', 'a/y', 'a/y/z', 'b', 'b/c']) {
      await add(path, 1, path === 'a/x' || path === 'b/c' || path === 'a/y/z' ? {} : { kind: 'dir' });
    }
    for (const path of ['a!', 'a.txt', 'a0', 'z']) await add(path, 1);
    expect(await paths(entriesInFolder(catalog, past()))).toEqual(['a', 'a!', 'a.txt', 'a0', 'b', 'z']);
    expect(await paths(entriesInFolder(catalog, past('a')))).toEqual(['a/x', 'a/y']);
    expect(await paths(entriesInFolder(catalog, past('a/y')))).toEqual(['a/y/z']);
    expect(await paths(entriesInFolder(catalog, past('z')))).toEqual([]);
    expect(await paths(entriesInFolder(catalog, past('none')))).toEqual([]);
  });

  test('shows what it held at the moment', async () => {
    await add('d', 1, { kind: 'dir' });
    await add('d/early', 1, { content: 'one' });
    await add('d/late', 5);
    await add('d/early', 6, { content: 'three' });
    await add('d/late', 7, { outcome: 'deleted' });
    const at = async (number: number) =>
      (await all(entriesInFolder(catalog, past('d', day(number))))).map((entry) => [
        entry.path.toString(),
        entry.version?.sizeBytes,
      ]);
    expect(await at(2)).toEqual([['d/early', 3]]);
    expect(await at(5)).toEqual([
      ['d/early', 3],
      ['d/late', 7],
    ]);
    expect(await at(8)).toEqual([['d/early', 5]]);
    expect(await paths(entriesInFolder(catalog, past('', new Date('2026-10-01'))))).toEqual([]);
  });

  test('without an entry of its own is listed while there is anything in it', async () => {
    await add('a/b/file', 3);
    await add('a.txt', 1);
    expect(await all(entriesInFolder(catalog, past('', day(4))))).toMatchObject([
      { path: Buffer.from('a.txt') },
      { path: Buffer.from('a') },
    ]);
    expect(await paths(entriesInFolder(catalog, past('a')))).toEqual(['a/b']);
    expect(await paths(entriesInFolder(catalog, past('', day(2))))).toEqual(['a.txt']);
    // Its own entry comes later, but what is in it was there.
    await add('a', 6, { kind: 'dir' });
    expect(await paths(entriesInFolder(catalog, past('', day(4))))).toEqual(['a.txt', 'a']);
    expect(await paths(entriesInFolder(catalog, past()))).toEqual(['a', 'a.txt']);
  });

  test('that was deleted is not listed because of what was in it', async () => {
    await add('a', 1, { kind: 'dir' });
    await add('a/file', 1);
    await add('a/file', 3, { outcome: 'deleted' });
    await add('a', 3, { outcome: 'deleted', kind: 'dir' });
    const statements = vi.spyOn(catalog, 'rows');
    onTestFinished(() => statements.mockRestore());
    expect(await paths(entriesInFolder(catalog, past()))).toEqual([]);
    // Nor looked at: there may be very much of it.
    expect(statements).toHaveBeenCalledTimes(3);
    expect(await paths(entriesInFolder(catalog, past('', day(2))))).toEqual(['a']);
  });

  test('of more names than one page has each once', async () => {
    await catalog.rows(
      `insert into entries (id, source_id, path)
       select md5($1 || n), $1, convert_to('d/n' || lpad(n::text, 5, '0') || case when n % 3 = 0 then '/deep' else '' end, 'UTF8')
       from generate_series(1, 2500) n`,
      [repository.sourceId],
    );
    await add('d/n00003', 1, { kind: 'dir' });
    const found = await paths(entriesInFolder(catalog, past('d')));
    expect(found).toHaveLength(2500);
    expect(new Set(found).size).toBe(2500);
    expect(await paths(entriesBelow(catalog, past('d')))).toHaveLength(2501);
  });
});

test('an entry tells its newest version and the one that restore brings back', async () => {
  const first = await add('a', 1, { content: 'one', mode: 0o4750, mtimeNs: -1n });
  const failed = await add('a', 2, { content: 'changed', outcome: 'failed', reason: 'unreadable' });
  await add('b', 2, { outcome: 'ignored', reason: 'excluded' });
  const open = await add('c', 2);
  await reopen(repository, open.versionId);
  await catalog.rows('update entries set head_version_id = null where id = $1', [open.entryId]);
  const [a, b, c] = await all(entriesBelow(catalog, past()));
  expect(a).toMatchObject({
    head: { id: failed.versionId, outcome: 'failed', reason: 'unreadable', sizeBytes: 7, observedAt: day(2) },
    version: { id: first.versionId, outcome: 'uploaded', sizeBytes: 3, mode: 0o4750, mtimeNs: -1n },
  });
  expect([b?.head?.outcome, b?.version]).toEqual(['ignored', undefined]);
  expect(c).toEqual({ path: Buffer.from('c') });
});

describe('versions of matching paths', () => {
  const found = async (which: 'newest' | 'all', at?: Date, pattern = /a$/) =>
    (await all(matchingVersions(catalog, past('', at), (path) => pattern.test(`${path}`), which))).map(
      ({ path, version }) => `${path} ${version.outcome} ${version.sizeBytes}`,
    );

  test('are the newest of each entry, tombstones too', async () => {
    await add('a', 1, { content: '1' });
    await add('a', 3, { content: '333' });
    await add('x/a', 2, { content: '22' });
    await add('x/a', 4, { outcome: 'deleted', content: '' });
    await add('b', 1);
    expect(await found('newest')).toEqual(['a uploaded 3', 'x/a deleted 0']);
    expect(await found('newest', day(2))).toEqual(['a uploaded 1', 'x/a uploaded 2']);
    expect(await found('newest', day(1))).toEqual(['a uploaded 1']);
  });

  test('or all of them, newest first, up to the moment', async () => {
    await add('a', 1, { content: '1' });
    await add('a', 3, { content: '333', outcome: 'failed' });
    await add('a', 5, { content: '55555' });
    expect(await found('all')).toEqual(['a uploaded 5', 'a failed 3', 'a uploaded 1']);
    expect(await found('all', day(3))).toEqual(['a failed 3', 'a uploaded 1']);
    expect(await found('all', undefined, /b$/)).toEqual([]);
  });
});

describe('what changed between two moments', () => {
  const changes = async (from: number, to: number, path = '') =>
    (await all(changesBetween(catalog, past(path), day(from), day(to)))).map(
      (change) => `${change.change} ${change.path}`,
    );

  test('is told by kind of change, each way', async () => {
    await add('kept', 1);
    await add('gone', 1);
    await add('edited', 1, { content: 'one' });
    await add('chmod', 1, { mode: 0o600 });
    await add('touched', 1, { mtimeNs: 1n });
    await add('tagged', 1);
    await add('turned', 1);
    await add('link', 1, { kind: 'link', linkTarget: 'a' });
    await add('kept', 5);
    await add('gone', 5, { outcome: 'deleted' });
    await add('new', 5);
    await add('edited', 5, { content: 'two' });
    await add('chmod', 5, { mode: 0o644 });
    await add('touched', 5, { mtimeNs: 2n });
    const { versionId } = await add('tagged', 5);
    await catalog.rows(`update versions set xattrs = '{"user.a": "YQ=="}' where id = $1`, [versionId]);
    await add('turned', 5, { kind: 'dir' });
    await add('link', 5, { kind: 'link', linkTarget: 'b' });
    expect(await changes(1, 9)).toEqual([
      'metadata chmod',
      'modified edited',
      'removed gone',
      'modified link',
      'added new',
      'metadata tagged',
      'metadata touched',
      'type turned',
    ]);
    expect(await changes(9, 1)).toContain('added gone');
    expect(await changes(9, 1)).toContain('removed new');
    expect(await changes(5, 9)).toEqual([]);
    expect(await changes(1, 1)).toEqual([]);
  });

  test('leaves out what came and went, folders that only other files changed, and what was not protected', async () => {
    await add('brief', 2);
    await add('brief', 3, { outcome: 'deleted' });
    await add('folder', 1, { kind: 'dir', mtimeNs: 1n });
    await add('folder', 2, { kind: 'dir', mtimeNs: 2n });
    await add('back', 1, { content: 'one' });
    await add('back', 2, { content: 'two' });
    await add('back', 3, { content: 'one' });
    await add('failing', 1);
    await add('failing', 2, { outcome: 'failed' });
    expect(await changes(1, 9)).toEqual([]);
    expect(await changes(1, 2)).toEqual(['modified back', 'added brief']);
  });

  test('stays below the path, and before comes after', async () => {
    await add('a/x', 1, { content: 'one' });
    await add('a/x', 3, { content: 'three' });
    await add('b', 3);
    expect(await changes(2, 4, 'a')).toEqual(['modified a/x']);
    const [change] = await all(changesBetween(catalog, past('a'), day(2), day(4)));
    expect([change?.before?.sizeBytes, change?.after?.sizeBytes]).toEqual([3, 5]);
  });
});
