import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { auditEvent } from '../../src/audit/event.ts';
import { openIncident } from '../../src/audit/incident.ts';
import { stepsOfVersion } from '../../src/catalog/audit-query.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { canonical } from '../../src/domain/canonical.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { usePostgres } from '../support/postgres.ts';
import {
  addObject,
  addSource,
  contentOf,
  entryOf,
  eventOf,
  ids,
  one,
  settled,
  versionOf,
} from './samples.ts';
import { openCatalog, openCatalogs } from './world.ts';

const postgres = usePostgres();

async function headOf(catalog: Catalog, entryId: string) {
  return one<{ version: string | null; observation: number; settled: number }>(
    catalog,
    `select head_version_id as version, head_observation as observation, settled_hint as settled from entries where id = $1`,
    [entryId],
  );
}

/** How often the server had to end a transaction of this database for two that waited for each other. */
async function deadlocks(catalog: Catalog): Promise<number> {
  // A session tells its counters when it is idle, at most once a second.
  await sleep(1_500);
  const { n } = await one<{ n: number }>(
    catalog,
    'select deadlocks as n from pg_stat_database where datname = current_database()',
  );
  return n;
}

test('an older observation that ends late never takes the place of a newer head', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  await catalog.hint([entry]);
  await catalog.write(settled(entry, 2, 'uploaded', 1));
  await catalog.write(settled(entry, 1, 'ignored', 1));
  expect(await headOf(catalog, entry.id)).toEqual({
    version: ids.version(entry.id, 2),
    observation: 2,
    settled: 1,
  });
  // Its outcome is recorded all the same.
  expect((await catalog.version(ids.version(entry.id, 1))).outcome).toBe('ignored');
});

test('the newest of several observations in one transaction becomes the head', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  await catalog.hint([entry]);
  await Promise.all([
    catalog.write({ events: [] }),
    ...[3, 1, 4, 2].map((observation) => catalog.write(settled(entry, observation, 'uploaded'))),
  ]);
  expect((await headOf(catalog, entry.id)).version).toBe(ids.version(entry.id, 4));
});

test('a cancelled observation never becomes the head', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  await catalog.hint([entry]);
  await catalog.write(settled(entry, 1, 'uploaded'));
  await Promise.all([
    catalog.write({ events: [] }),
    catalog.write(settled(entry, 2, 'uploaded')),
    catalog.write(settled(entry, 3, 'cancelled')),
  ]);
  await catalog.write(settled(entry, 4, 'cancelled'));
  expect((await headOf(catalog, entry.id)).version).toBe(ids.version(entry.id, 2));
});

test('numbers survive exactly: nanoseconds before 1970, 64-bit inodes and devices', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  await catalog.hint([entry]);
  const version = versionOf(entry, 1);
  await catalog.write({ version, events: [] });
  const { mtimeNs, ctimeNs, device, inode, uid } = version;
  expect(await catalog.version(version.id)).toMatchObject({ mtimeNs, ctimeNs, device, inode, uid });
});

test('a change whose object is not live writes nothing at all, its neighbours everything', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const object = await addObject(catalog, entryOf('original'), contentOf('x'));
  const [first, second] = [entryOf('first'), entryOf('second')];
  await catalog.hint([first, second]);
  await catalog.write({ objectLost: { objectId: object.id, result: 'missing' }, events: [] });
  const rests = { ...settled(first, 1, 'duplicate'), restsOn: [object.id], events: [eventOf('told')] };
  const applied = await Promise.all([
    catalog.apply({ events: [] }),
    catalog.apply(rests),
    catalog.apply(settled(second, 1, 'uploaded')),
  ]);
  expect(applied).toEqual(['written', 'object_not_live', 'written']);
  expect(await catalog.rows('select id from versions where entry_id = $1', [first.id])).toEqual([]);
  expect(await catalog.rows(`select id from audit_events where id = 'told'`)).toEqual([]);
  expect(await catalog.rows('select 1 from file_status where entry_id = $1', [first.id])).toEqual([]);
  expect((await headOf(catalog, first.id)).version).toBeNull();
  expect((await headOf(catalog, second.id)).version).toBe(ids.version(second.id, 1));
});

test('an object that a change rests on cannot be taken for deletion before the change is durable', async () => {
  const [catalog, other] = await openCatalogs(postgres(), 2);
  if (catalog === undefined || other === undefined) throw new Error('unreachable');
  await addSource(catalog);
  const object = await addObject(catalog, entryOf('original'), contentOf('x'));
  const entry = entryOf('duplicate');
  await catalog.hint([entry]);
  const order: string[] = [];
  // A deletion that came first and is not finished: the change has to wait for how it ends.
  const deletion = other.rows(
    `with taken as (update objects set state = 'deleting' where id = $1 returning id) select pg_sleep(0.3) from taken`,
    [object.id],
  );
  await catalog.rows('select pg_sleep(0.1)');
  const applied = catalog.apply({ ...settled(entry, 1, 'duplicate'), restsOn: [object.id] });
  await Promise.all([
    deletion.then(() => order.push('deletion')),
    applied.then((result) => order.push(result)),
  ]);
  expect(order).toEqual(['deletion', 'object_not_live']);
});

test('an event told twice with the same facts is one event, also within one transaction', async () => {
  const catalog = await openCatalog(postgres());
  const told = eventOf('e', { facts: { n: 1 } });
  await catalog.write({ events: [told] });
  const again = { ...told, at: '2031-01-01T00:00:00.000Z', event: { ...told.event, at: '2031-01-01' } };
  await catalog.write({ events: [again] });
  await catalog.write({
    events: [eventOf('f', { facts: {} }), eventOf('f', { facts: {} }), eventOf('g')],
  });
  expect(await one(catalog, 'select count(*) as n from audit_events')).toEqual({ n: 3 });
  expect(await one(catalog, `select event ->> 'at' as at from audit_events where id = 'e'`)).toEqual({
    at: told.at,
  });
});

test('an incident that two notice is one, and the first account of it stands', async () => {
  const catalog = await openCatalog(postgres());
  const told = (what: string) =>
    openIncident(ids, {
      ...{ kind: 'tampering', subject: 'a'.repeat(32), run: 'b'.repeat(32), host: 'host' },
      facts: { what },
    });
  for (const what of ['object_missing', 'object_missing again']) {
    const { incident, event } = told(what);
    await catalog.write({ incident, events: [event] });
  }
  expect(await one(catalog, `select count(*), min(facts ->> 'what') as what from incidents`)).toEqual({
    count: 1,
    what: 'object_missing',
  });
  expect(
    await one(catalog, `select count(*), min(event -> 'facts' ->> 'what') as what from audit_events`),
  ).toEqual({ count: 1, what: 'object_missing' });
});

test('another account of an event that is there is refused, and nothing of its change is written', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  await catalog.hint([entry]);
  await catalog.write({ events: [eventOf('e', { facts: { allow: false } })] });
  const lie = { ...settled(entry, 1, 'uploaded'), events: [eventOf('e', { facts: { allow: true } })] };
  const [, refused, neighbour] = await Promise.allSettled([
    catalog.write({ events: [] }),
    catalog.write(lie),
    catalog.write({ events: [eventOf('f')] }),
  ]);
  expect(refused.status).toBe('rejected');
  expect(
    refused.status === 'rejected' &&
      isFailure(refused.reason, 'audit_conflict') &&
      refused.reason.facts.event,
  ).toBe('e');
  expect(neighbour.status).toBe('fulfilled');
  expect((await headOf(catalog, entry.id)).version).toBeNull();
});

test('two accounts of one event within one transaction are refused too', async () => {
  const catalog = await openCatalog(postgres());
  const events = [eventOf('e', { facts: { n: 1 } }), eventOf('e', { facts: { n: 2 } })];
  await expect(catalog.write({ events })).rejects.toSatisfy((e) => isFailure(e, 'audit_conflict'));
  expect(await one(catalog, 'select count(*) as n from audit_events')).toEqual({ n: 0 });
});

test('steps of one version that become durable together are one event, and another account of one of them is refused', async () => {
  const catalog = await openCatalog(postgres());
  const subject = ids.version(entryOf('a').id, 1);
  const about = { subject, run: ids.source('run'), host: 'host', version: subject };
  const told = (allow: boolean) => [
    auditEvent(ids, { ...about, step: 'admission', facts: { allow: true } }),
    auditEvent(ids, { ...about, step: 'incident', facts: { what: 'beside' } }),
    auditEvent(ids, { ...about, step: 'release', destination: 'primary', ordinal: 1, facts: { allow } }),
  ];
  await catalog.applyTogether([{ events: told(true) }]);
  // Again, later: its times are others.
  await sleep(5);
  await catalog.applyTogether([{ events: told(true) }]);
  const rows = await catalog.rows<{ id: string; event: object; leaf: Buffer }>(
    'select id, event, leaf from audit_events order by number',
  );
  expect(rows.map(({ id }) => id)).toEqual([ids.event(subject, 'admission'), ids.event(subject, 'incident')]);
  expect(rows[0]?.event).toEqual({
    ...{ v: 1, id: ids.event(subject, 'admission'), at: expect.any(String), actor: 'holdfast', ...about },
    steps: [
      { step: 'admission', at: expect.any(String), facts: { allow: true } },
      { step: 'release', at: expect.any(String), destination: 'primary', ordinal: 1, facts: { allow: true } },
    ],
  });
  for (const { event, leaf } of rows)
    expect(leaf).toEqual(hash('sha256', Buffer.concat([Buffer.of(0), canonical(event)]), 'buffer'));
  expect(await stepsOfVersion(catalog, subject)).toMatchObject([
    { step: 'admission', destination: '', ordinal: 0 },
    { step: 'release', destination: 'primary', ordinal: 1 },
    { step: 'incident', destination: '', ordinal: 0 },
  ]);
  await expect(catalog.applyTogether([{ events: told(false) }])).rejects.toSatisfy((e) =>
    isFailure(e, 'audit_conflict'),
  );
});

test("a committed placement is never turned back by an earlier step's late write", async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const entry = entryOf('a');
  const object = await addObject(catalog, entry, contentOf('x'));
  const versionId = ids.version(entry.id, 1);
  const placement = { versionId, destination: 'primary', byteOffset: 0, length: 1, reason: null };
  const states = ['uploading', 'committed', 'uploading'] as const;
  for (const state of states) {
    await catalog.write({ placements: [{ ...placement, objectId: object.id, state }], events: [] });
  }
  expect(await one(catalog, 'select state from placements')).toEqual({ state: 'committed' });
});

test('the recorded lock is the longest of those extended in one transaction, and never gets shorter', async () => {
  const catalog = await openCatalog(postgres());
  await addSource(catalog);
  const object = await addObject(catalog, entryOf('a'), contentOf('x'));
  const extend = (year: number) =>
    catalog.write({
      lockExtended: {
        objectId: object.id,
        lockMode: 'GOVERNANCE',
        retainUntil: new Date(`${year}-01-01T00:00:00Z`),
      },
      events: [],
    });
  await Promise.all([2031, 2032, 2039, 2033, 2034].map(extend));
  await extend(2035);
  const { until } = await one<{ until: Date }>(catalog, 'select retain_until as until from objects');
  expect(until.getUTCFullYear()).toBe(2039);
});

test('many duplicates of the same objects commit at once from several processes', async () => {
  const catalogs = await openCatalogs(postgres(), 4);
  const [catalog] = catalogs;
  if (catalog === undefined) throw new Error('unreachable');
  await addSource(catalog);
  const objects = await Promise.all(
    ['x', 'y', 'z'].map((text) => addObject(catalog, entryOf(`original ${text}`), contentOf(text))),
  );
  const entries = Array.from({ length: 120 }, (_, i) => entryOf(`copy ${i}`));
  await catalog.hint(entries);
  const results = await Promise.allSettled(
    entries.map((entry, i) => {
      const object = objects[i % 3];
      const from = catalogs[i % 4];
      if (object === undefined || from === undefined) throw new Error('unreachable');
      return from.apply({
        ...settled(entry, 1, 'duplicate', 1),
        restsOn: [object.id],
        lockExtended: {
          objectId: object.id,
          lockMode: 'GOVERNANCE',
          retainUntil: new Date(Date.UTC(2031, 0, 1 + i)),
        },
      });
    }),
  );
  expect(results.filter((result) => result.status === 'rejected').map(({ reason }) => reason)).toEqual([]);
  expect(await deadlocks(catalog)).toBe(0);
});

test('the watcher hints at entries that are being settled by other processes', async () => {
  const catalogs = await openCatalogs(postgres(), 3);
  const [watcher, ...workers] = catalogs;
  if (watcher === undefined) throw new Error('unreachable');
  await addSource(watcher);
  const entries = Array.from({ length: 60 }, (_, i) => entryOf(`file ${i}`));
  await watcher.hint(entries);
  const results = await Promise.allSettled([
    ...Array.from({ length: 30 }, () => watcher.hint(entries)),
    ...workers.flatMap((worker, w) =>
      Array.from({ length: 10 }, (_, round) =>
        // Backwards and in two ways, as work that ends in any order does.
        Promise.all(
          entries
            .toReversed()
            .map((entry, i) =>
              worker.write(
                (i + round) % 2 === 0
                  ? settled(entry, 1 + w * 10 + round, 'uploaded', 1)
                  : { unchanged: { entryId: entry.id, hint: 1 }, events: [] },
              ),
            ),
        ),
      ),
    ),
  ]);
  expect(results.filter((result) => result.status === 'rejected').map(({ reason }) => reason)).toEqual([]);
  expect(await deadlocks(watcher)).toBe(0);
  const counted = await one(watcher, 'select min(hint) as hints, max(head_observation) as head from entries');
  expect(counted).toEqual({ hints: 31, head: 20 });
});
