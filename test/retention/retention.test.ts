import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { restoreTree } from '../../src/restore/restore.ts';
import { usePostgres } from '../support/postgres.ts';
import { retentionWorld, standard } from './world.ts';

const server = usePostgres();
const dayMs = 86_400_000;
const daysLeft = (until: Date | undefined): number => ((until?.getTime() ?? 0) - Date.now()) / dayMs;

test('what a file is now stays locked for its days, with one request per object however many rest on it', async () => {
  const world = await retentionWorld(server());
  const first = await world.protect('a', 'same content');
  for (const path of ['b', 'c', 'd']) await world.protect(path, 'same content');
  await world.pass(5);
  world.calls.length = 0;
  const { totals, result } = await world.retain();
  expect(result).toBe('complete');
  expect(totals).toMatchObject({ versions: 4, extended: 1, expired: 0, deleted: 0 });
  expect(world.calls.filter((call) => call === 'extendLock')).toHaveLength(1);
  const { lockedUntil, retainUntil } = await world.object(first.versionId);
  expect(lockedUntil).toEqual(retainUntil);
  expect(daysLeft(lockedUntil)).toBeGreaterThan(7 + 1);
  await world.pass(1);
  expect((await world.retain()).totals).toMatchObject({ versions: 4, extended: 0 });
  await world.pass(2);
  expect((await world.retain()).totals).toMatchObject({ extended: 1 });
});

test('a version beyond those to keep expires when its time is over, and its object goes when its lock ends', async () => {
  const world = await retentionWorld(server());
  const versions = [];
  for (const content of ['one', 'two', 'three', 'four']) versions.push(await world.protect('a', content));
  const [one, two, three, four] = versions.map(({ versionId }) => versionId) as [
    string,
    string,
    string,
    string,
  ];
  await world.pass(29);
  expect((await world.retain()).totals).toMatchObject({ expired: 0, deleted: 0 });
  await world.catalog.rows('update versions set journal = 1');
  await world.pass(2);
  const { totals } = await world.retain();
  expect(totals).toMatchObject({ expired: 2, deleted: 2, deferred: 0, denied: 0 });
  expect(totals.bytesFreed).toBeGreaterThan(0);
  for (const versionId of [one, two]) {
    expect(await world.placement(versionId)).toEqual({
      state: 'deleted',
      outcome: 'uploaded',
      reason: 'expired',
      journal: null,
    });
    expect(await world.object(versionId)).toMatchObject({ state: 'deleted', isThere: false });
    const told = await world.events(versionId);
    expect(told.find(({ step }) => step === 'retention')?.facts).toEqual({
      action: 'expired',
      class: 'standard',
    });
  }
  for (const versionId of [three, four]) {
    expect(await world.placement(versionId)).toMatchObject({ state: 'committed', reason: null, journal: 1 });
    expect(await world.object(versionId)).toMatchObject({ state: 'live', isThere: true });
  }
});

test('a state that expired is told as expired by restore, not as lost', async () => {
  const world = await retentionWorld(server());
  world.classes.standard = { ...standard, versions: 1, minimumDays: 0 };
  await world.protect('a', 'one');
  await world.pass(10);
  const at = new Date(Date.now() - 9 * dayMs);
  await world.protect('a', 'two');
  await world.pass(20);
  await world.retain();
  const to = join(world.folder, '..', 'restored');
  mkdirSync(to);
  const results: object[] = [];
  const stores = new Map([['primary', world.store]]);
  const deps = { index: catalogIndex(world.catalog), keys: world.context.keys, stores };
  for await (const { result, reason } of restoreTree(deps, {
    source: 'docs',
    to,
    at: new Date(at.getTime() - 20 * dayMs),
  }))
    results.push({ result, reason });
  expect(results).toEqual([{ result: 'missing', reason: 'expired' }]);
});

test('what is still locked when its version expires goes later, and frees nothing before', async () => {
  const world = await retentionWorld(server());
  world.classes.standard = { ...standard, days: 1, versions: 1, minimumDays: 0 };
  const old = await world.protect('a', 'one');
  await world.protect('a', 'two');
  await world.pass(2);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 0, deferred: 0 });
  expect(await world.object(old.versionId)).toMatchObject({ state: 'live', isThere: true });
  await world.pass(6);
  expect((await world.retain()).totals).toMatchObject({ expired: 0, deleted: 1 });
  expect(await world.object(old.versionId)).toMatchObject({ state: 'deleted', isThere: false });
});

test('of a file that is gone everything goes, once its time since then is over', async () => {
  const world = await retentionWorld(server());
  const file = await world.protect('a', 'one');
  await world.pass(400);
  await world.gone('a');
  await world.pass(29);
  expect((await world.retain()).totals).toMatchObject({ expired: 0 });
  await world.pass(2);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 1 });
  expect(await world.object(file.versionId)).toMatchObject({ isThere: false });
});

test('an object stays while one version rests on it, whichever file it is of', async () => {
  const world = await retentionWorld(server());
  const first = await world.protect('a', 'shared');
  await world.protect('b', 'shared');
  await world.gone('a');
  await world.pass(31);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 0 });
  expect(await world.object(first.versionId)).toMatchObject({ state: 'live', isThere: true });
  await world.gone('b');
  await world.pass(31);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 1 });
});

test('a class that policy does not know any more lets nothing expire, and stays locked like its destination', async () => {
  const world = await retentionWorld(server());
  const old = await world.protect('a', 'one');
  const head = await world.protect('a', 'two');
  delete world.classes.standard;
  await world.pass(365);
  expect((await world.retain()).totals).toMatchObject({ expired: 0, extended: 1 });
  expect(await world.object(old.versionId)).toMatchObject({ state: 'live', isThere: true });
  expect(daysLeft((await world.object(head.versionId)).lockedUntil)).toBeGreaterThan(8);
});

test('a run goes on slice by slice to the same end', async () => {
  const world = await retentionWorld(server());
  await world.catalog.rows(
    `insert into entries (id, source_id, path) select md5('e' || n), $1, convert_to('f' || n, 'UTF8') from generate_series(1, 3) n`,
    [world.sourceId],
  );
  const rests = await world.protect('real', 'content');
  // Versions enough for several pages, all of one entry but for three: its newest two are kept.
  await world.catalog.rows(
    `insert into versions select * from jsonb_populate_recordset(null::versions, (
       select jsonb_agg(to_jsonb(v) || jsonb_build_object('id', md5('v' || n), 'entry_id', md5('e' || case when n <= 3 then n else 3 end),
                'observation', n, 'observed_at', now() - interval '100 days' + n * interval '1 minute'))
       from versions v, generate_series(1, 2500) n where v.id = $1))`,
    [rests.versionId],
  );
  await world.catalog.rows(
    `update entries e set head_version_id = (select id from versions where entry_id = e.id order by observation desc limit 1)
     where e.path <> 'real'`,
  );
  await world.catalog.rows(
    `insert into placements (version_id, destination, object_id, length, state)
     select md5('v' || n), 'primary', p.object_id, p.length, 'committed' from placements p, generate_series(1, 2500) n where p.version_id = $1`,
    [rests.versionId],
  );
  const { totals } = await world.retain({}, 0);
  // Each of the four entries keeps its head, the long one another version.
  expect(totals).toMatchObject({ versions: 2_501, expired: 2_501 - 5 });
}, 30_000);
