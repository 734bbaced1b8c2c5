import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { isFailure } from '../../src/domain/failures.ts';
import type { Id } from '../../src/domain/records.ts';
import { knownBelow } from '../../src/watcher/compare-query.ts';
import { usePostgres } from '../support/postgres.ts';
import {
  addObject,
  addSource,
  contentOf,
  entryOf,
  ids,
  one,
  settled,
  sourceId,
  versionOf,
} from './samples.ts';
import { openCatalog, openCatalogs } from './world.ts';

const postgres = usePostgres();

async function newCatalog(): Promise<Catalog> {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  return catalog;
}

describe('observe', () => {
  test('draws a number for each (run, round), once', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const draw = async (workflowRun: string, round: number) =>
      (await catalog.observe({ entryId: entry.id, workflowRun, round }))?.number;
    expect(await draw('one', 0)).toBe(1);
    expect(await draw('one', 0)).toBe(1);
    expect(await draw('one', 1)).toBe(2);
    expect(await draw('two', 0)).toBe(3);
    expect(await draw('one', 0)).toBe(1);
  });

  test('gives the same number to 50 callers at once, from several processes', async () => {
    const catalogs = await openCatalogs(postgres(), 5);
    const [catalog] = catalogs;
    if (catalog === undefined) throw new Error('unreachable');
    await addSource(catalog);
    const entry = entryOf('a');
    await catalog.hint([entry]);
    // The first rounds open connections; only later ones come truly at once.
    for (let round = 0; round < 10; round++) {
      const seen = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          catalogs[i % 5]?.observe({ entryId: entry.id, workflowRun: 'run', round }),
        ),
      );
      expect(new Set(seen.map((observation) => observation?.number)).size).toBe(1);
    }
    expect(await one(catalog, 'select count(*) as n from observations')).toEqual({ n: 10 });
  });

  test('gives different numbers to different rounds at once', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, round) =>
        catalog.observe({ entryId: entry.id, workflowRun: 'run', round }),
      ),
    );
    expect(new Set(seen.map((observation) => observation?.number)).size).toBe(20);
  });

  test('knows nothing of an entry that nobody hinted at', async () => {
    const catalog = await newCatalog();
    expect(await catalog.observe({ entryId: 'no such', workflowRun: 'r', round: 0 })).toBeUndefined();
  });

  test('tells the head, and what this very look made before', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    await catalog.observe({ entryId: entry.id, workflowRun: 'one', round: 0 });
    await catalog.write(settled(entry, 1, 'uploaded', 1));
    await catalog.observe({ entryId: entry.id, workflowRun: 'two', round: 0 });
    await catalog.write({ version: versionOf(entry, 2), events: [] });
    const seen = await catalog.observe({ entryId: entry.id, workflowRun: 'two', round: 0 });
    expect(seen?.head).toMatchObject({ id: ids.version(entry.id, 1), outcome: 'uploaded' });
    expect(seen?.made?.id).toBe(ids.version(entry.id, 2));
    expect(seen?.made?.outcome).toBeUndefined();
  });

  test('keeps the hint of the first draw: what was told later is not answered by it', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const at = { entryId: entry.id, workflowRun: 'one', round: 0 };
    expect((await catalog.observe(at))?.hint).toBe(1);
    await catalog.hint([entry]);
    expect(await catalog.observe(at)).toMatchObject({ hint: 1, newestHint: 2 });
    expect(await catalog.observe({ ...at, round: 1 })).toMatchObject({ hint: 2, newestHint: 2 });
  });

  test('answers a newer hint when its look begins again', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const at = { entryId: entry.id, workflowRun: 'one', round: 0 };
    await catalog.observe(at);
    await catalog.hint([entry]);
    const again = await catalog.observe(at);
    if (again === undefined) throw new Error('unreachable');
    await catalog.answerHint(again);
    expect(await catalog.observe(at)).toMatchObject({ number: 1, hint: 2 });
  });
});

describe('hints', () => {
  test('are settled by a look that began after them, not by an earlier one', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    const first = await catalog.hint([entry]);
    const second = await catalog.hint([entry]);
    await catalog.write(settled(entry, 1, 'uploaded', first.get(entry.id) ?? 0));
    expect(await catalog.unsettled(first)).toEqual([]);
    expect(await catalog.unsettled(second)).toEqual([entry.id]);
    await catalog.write({ unchanged: { entryId: entry.id, hint: second.get(entry.id) ?? 0 }, events: [] });
    expect(await catalog.unsettled(second)).toEqual([]);
  });

  test('are never unsettled again by an older answer', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const hints = await catalog.hint([entry]);
    await catalog.write(settled(entry, 2, 'uploaded', 2));
    await catalog.write(settled(entry, 1, 'uploaded', 1));
    await catalog.write({ unchanged: { entryId: entry.id, hint: 1 }, events: [] });
    expect(await catalog.unsettled(hints)).toEqual([]);
  });

  test('count an entry that is named twice once', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    expect(await catalog.hint([entry, entry])).toEqual(new Map([[entry.id, 1]]));
  });

  test.each([1, 2, 3, 4, 5])('may be many new ones, at once, from several processes (%i)', async (n) => {
    const catalogs = await openCatalogs(postgres(), 3);
    await addSource(catalogs[0] as Catalog);
    await Promise.all(catalogs.flatMap((catalog) => [1, 2, 3].map(() => catalog.ping())));
    const entries = Array.from({ length: 200 }, (_, i) => entryOf(`file ${n} ${i}`));
    const given = await Promise.all(
      Array.from({ length: 9 }, (_, i) =>
        catalogs[i % 3]?.hint(i % 2 === 0 ? entries : entries.toReversed()),
      ),
    );
    for (const entry of entries) {
      const numbers = given.map((hints) => hints?.get(entry.id) ?? 0).sort((a, b) => a - b);
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });
});

describe('reserve', () => {
  const claim = (versionId: Id) => ({
    sha512: contentOf('x').sha512,
    scope: 'default',
    format: 'sealed-v1',
    destination: 'primary',
    versionId,
  });

  test('is won by exactly one of 50 at once', async () => {
    const catalogs = await openCatalogs(postgres(), 5);
    const won = await Promise.all(
      Array.from({ length: 50 }, (_, i) => catalogs[i % 5]?.reserve(claim(`version ${i}`))),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  test('is kept by its owner, given on when its lease ends, and free after its owner settled', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const owner = versionOf(entry, 1).id;
    expect(await catalog.reserve(claim(owner))).toBe(true);
    expect(await catalog.reserve(claim(owner))).toBe(true);
    expect(await catalog.reserve(claim('other'))).toBe(false);

    await catalog.rows(`update reservations set expires_at = now() - interval '1 second'`);
    expect(await catalog.reserve(claim('other'))).toBe(true);
    expect(await catalog.reserve(claim(owner))).toBe(false);

    // Another version's end frees nothing.
    await catalog.write({ ...settled(entry, 1, 'failed'), reservationEnded: { versionId: owner } });
    expect(await catalog.reserve(claim('third'))).toBe(false);
    await catalog.write({ reservationEnded: { versionId: 'other' }, events: [] });
    expect(await catalog.reserve(claim('third'))).toBe(true);
  });

  test('is for one scope, format and destination', async () => {
    const catalog = await newCatalog();
    expect(await catalog.reserve(claim('a'))).toBe(true);
    for (const other of [{ scope: 'restricted' }, { format: 'openpgp' }, { destination: 'second' }]) {
      expect(await catalog.reserve({ ...claim('b'), ...other })).toBe(true);
    }
  });

  test('lasts 15 minutes from the last claim', async () => {
    const catalog = await newCatalog();
    await catalog.reserve(claim('a'));
    const lease = `select extract(epoch from expires_at - now())::float8 as seconds from reservations`;
    const { seconds } = await one<{ seconds: number }>(catalog, lease);
    expect(seconds).toBeGreaterThan(14 * 60);
    expect(seconds).toBeLessThanOrEqual(15 * 60);
  });
});

describe('knownBelow', () => {
  async function list(catalog: Catalog, only: readonly Buffer[] = [Buffer.alloc(0)]): Promise<string[]> {
    const found: string[] = [];
    for await (const { path } of knownBelow(catalog, sourceId, only)) found.push(path.toString('latin1'));
    return found;
  }
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

  test('takes a path and what is below it, not what only begins alike', async () => {
    const catalog = await newCatalog();
    const paths = ['a', 'a b', 'a-b', 'a.txt', 'a/b', 'a/b/c', 'a/bc', 'a0', 'ab', 'b', 'b/a'];
    const entries = paths.map((path) => entryOf(bytes(path)));
    await catalog.hint(entries);
    for (const entry of entries) await catalog.write(settled(entry, 1, 'uploaded'));
    expect(await list(catalog, [bytes('a')])).toEqual(['a', 'a/b', 'a/b/c', 'a/bc']);
    expect(await list(catalog, [bytes('a/b')])).toEqual(['a/b', 'a/b/c']);
    expect(await list(catalog, [bytes('b'), bytes('ab')])).toEqual(['ab', 'b', 'b/a']);
    expect(await list(catalog, ['a/b', 'a', 'a/b/c', 'a-b'].map(bytes))).toEqual([
      ...['a', 'a-b', 'a/b', 'a/b/c', 'a/bc'],
    ]);
    expect(await list(catalog, [bytes('')])).toEqual(paths);
    expect(await list(catalog)).toEqual(paths);
    expect(await list(catalog, [])).toEqual([]);
    expect(await list(catalog, [bytes('c')])).toEqual([]);
  });

  test('takes names that are not UTF-8, or hold what SQL and patterns treat specially', async () => {
    const catalog = await newCatalog();
    const odd = [
      '\xff',
      '\xff\xfe/x',
      '\xff\xfe/x\\y',
      '%',
      '_/a',
      '\\x00',
      "'; drop table entries; --",
      '\n/\n',
    ];
    const entries = odd.map((path) => entryOf(bytes(path)));
    await catalog.hint(entries);
    for (const entry of entries) await catalog.write(settled(entry, 1, 'uploaded'));
    expect(await list(catalog)).toEqual([...odd].sort());
    for (const path of odd) {
      const expected = odd.filter((other) => other === path || other.startsWith(`${path}/`)).sort();
      expect(await list(catalog, [bytes(path)])).toEqual(expected);
    }
    expect(await list(catalog, [bytes('\xff\xfe')])).toEqual(['\xff\xfe/x', '\xff\xfe/x\\y']);
  });

  test('leaves out what is deleted, vanished, never settled, or of another source', async () => {
    const catalog = await newCatalog();
    await addSource(catalog, 'other');
    const outcomes = ['deleted', 'vanished', 'uploaded', 'failed', 'quarantined', 'held', 'ignored'] as const;
    const entries = outcomes.map((outcome) => entryOf(outcome));
    await catalog.hint([...entries, entryOf('pending'), entryOf('elsewhere', ids.source('other'))]);
    await catalog.write(settled(entryOf('elsewhere', ids.source('other')), 1, 'uploaded'));
    for (const [i, outcome] of outcomes.entries()) {
      await catalog.write(settled(entries[i] ?? entryOf(''), 1, outcome));
    }
    expect(await list(catalog)).toEqual(['failed', 'held', 'ignored', 'quarantined', 'uploaded']);
  });

  test('reads more than one page, each entry once and in order', async () => {
    const catalog = await newCatalog();
    const entries = Array.from({ length: 2_001 }, (_, i) => entryOf(`f${String(i).padStart(5, '0')}`));
    await catalog.hint(entries);
    await Promise.all(entries.map((entry) => catalog.write(settled(entry, 1, 'uploaded'))));
    expect(await list(catalog)).toEqual(entries.map((entry) => entry.path.toString()));
  });
});

describe('objects', () => {
  const wanted = {
    sha512: contentOf('x').sha512,
    scope: 'default',
    format: 'sealed-v1',
    destination: 'primary',
    lockMode: 'GOVERNANCE' as const,
  };

  test('are reused only for the same content, scope, format, destination and lock mode', async () => {
    const catalog = await newCatalog();
    const object = await addObject(catalog, entryOf('a'), contentOf('x'));
    expect((await catalog.objectOf(wanted))?.id).toBe(object.id);
    for (const other of [
      { sha512: contentOf('y').sha512 },
      { scope: 'restricted' },
      { format: 'openpgp' },
      { destination: 'second' },
      { lockMode: 'COMPLIANCE' as const },
    ]) {
      expect(await catalog.objectOf({ ...wanted, ...other })).toBeUndefined();
    }
  });

  test('are taken longest locked first, and never when lost', async () => {
    const catalog = await newCatalog();
    const short = await addObject(catalog, entryOf('a'), contentOf('x'), {
      retainUntil: new Date('2030-01-01T00:00:00Z'),
    });
    const long = await addObject(catalog, entryOf('b'), contentOf('x'), {
      retainUntil: new Date('2031-01-01T00:00:00Z'),
    });
    expect((await catalog.objectOf(wanted))?.id).toBe(long.id);
    await catalog.write({ objectLost: { objectId: long.id, result: 'missing' }, events: [] });
    expect((await catalog.objectOf(wanted))?.id).toBe(short.id);
    await catalog.write({ objectLost: { objectId: short.id, result: 'missing' }, events: [] });
    expect(await catalog.objectOf(wanted)).toBeUndefined();
  });
});

describe('drawSealing', () => {
  test('gives one IV to 50 callers at once', async () => {
    const catalogs = await openCatalogs(postgres(), 5);
    const [catalog] = catalogs;
    if (catalog === undefined) throw new Error('unreachable');
    await addSource(catalog);
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const version = versionOf(entry, 1);
    await catalog.write({ version, events: [] });
    const proposed = { id: 'sealing', versionId: version.id, format: 'f', keyId: 'k', generation: 0 };
    const drawn = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        catalogs[i % 5]?.drawSealing({ ...proposed, iv: Buffer.alloc(16, i) }),
      ),
    );
    expect(new Set(drawn.map((row) => row?.iv.toString('hex'))).size).toBe(1);
  });
});

describe('deletionLoad', () => {
  test('counts the tombstones of ten minutes among the entries that stood before', async () => {
    const catalog = await newCatalog();
    const entries = Array.from({ length: 10 }, (_, i) => entryOf(`f${i}`));
    await catalog.hint(entries);
    for (const [i, entry] of entries.entries()) {
      await catalog.write(settled(entry, 1, i < 4 ? 'deleted' : 'uploaded'));
    }
    expect(await catalog.deletionLoad(sourceId)).toEqual({ deletedLately: 4, entries: 10 });
    await catalog.rows(
      `update versions set settled_at = now() - interval '11 minutes' where entry_id = any($1)`,
      [[entries[0]?.id, entries[1]?.id]],
    );
    expect(await catalog.deletionLoad(sourceId)).toEqual({ deletedLately: 2, entries: 8 });
  });
});

describe('recordSource', () => {
  test('keeps the folder that was recorded first', async () => {
    const catalog = await newCatalog();
    const facts = { id: sourceId, name: 'docs', rootPath: Buffer.from('/srv/docs'), hostId: 'host' };
    expect(await catalog.recordSource({ ...facts, device: 9n, inode: 99n })).toBe(2n);
  });
});

describe('an outage', () => {
  const unavailable = (error: unknown): boolean => isFailure(error, 'catalog_unavailable');

  test('in the middle of a query or a change is catalog_unavailable, and the catalog goes on after it', async () => {
    const catalog = await newCatalog();
    const entry = entryOf('a');
    await catalog.hint([entry]);
    const asking = catalog.rows('select pg_sleep(20)');
    const locked = catalog.rows('select pg_sleep(20) from (select 1 from entries for update) as held');
    await sleep(200);
    const writing = [1, 2, 3].map((n) => catalog.write(settled(entry, n, 'uploaded')));
    await sleep(100);
    const outcomes = Promise.allSettled([asking, locked, ...writing]);
    await postgres().crash();
    try {
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'catalog_unavailable' } });
      }
      await expect(catalog.ping()).rejects.toSatisfy(unavailable);
      await expect(catalog.hint([entry])).rejects.toSatisfy(unavailable);
    } finally {
      await postgres().restart();
    }
    await catalog.ping();
    await catalog.write(settled(entry, 1, 'uploaded'));
    expect(await catalog.version(ids.version(entry.id, 1))).toMatchObject({ outcome: 'uploaded' });
  });

  test('is not what a defect in SQL or a refused permission is', async () => {
    const catalog = await newCatalog();
    await expect(catalog.rows('selec 1')).rejects.not.toSatisfy(unavailable);
    await expect(catalog.rows('delete from audit_events')).rejects.not.toSatisfy(unavailable);
  });
});
