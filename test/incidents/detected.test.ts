/** What opens an incident by itself, from the code that detects it to the row of the breach register; the other kinds where they are detected. */
import { expect, test } from 'vitest';
import { listedIncidents } from '../../src/catalog/incident-query.ts';
import { recordFailure } from '../../src/pipeline/record-failure.ts';
import { makeWorld, stepRun, untilScanned, untilUploaded, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { verifyWorld } from '../verify/world.ts';

const server = usePostgres();

const register = async ({ catalog }: Pick<World, 'catalog'>) =>
  (await Array.fromAsync(listedIncidents(catalog, { closed: true }))).map(
    ({ kind, subject, source, state, openedBy, facts }) => ({
      ...{ kind, subject, source, state, openedBy },
      what: facts.what,
    }),
  );

test('a lock that was shortened or removed: one incident for each object, however often it is found', async () => {
  const world = await verifyWorld(server());
  const short = await world.protect('a.txt', 'one');
  const none = await world.protect('b.txt', 'two');
  await world.verify();
  expect(await register(world)).toEqual([]);
  const lock = { mode: 'GOVERNANCE', retainUntil: new Date(Date.now() + 86_400_000) } as const;
  world.store.relock(short, lock);
  world.store.relock(none, undefined);
  for (const _ of [1, 2]) await world.verify({ repair: false });
  const found = await register(world);
  expect(found.map(({ subject }) => subject).sort()).toEqual([short.objectId, none.objectId].sort());
  for (const incident of found)
    expect(incident).toMatchObject({
      ...{ kind: 'lock_mismatch', what: 'lock_mismatch', state: 'open', openedBy: 'holdfast' },
    });
});

test('bytes that were altered in the bucket', async () => {
  const world = await verifyWorld(server());
  const object = await world.protect('a.txt', 'one');
  world.store.damage(object, (body) => Buffer.from(body.map((byte) => byte ^ 1)));
  await world.verify({ readSample: 1 });
  expect(await register(world)).toMatchObject([
    { kind: 'tampering', subject: object.objectId, what: 'tampered', state: 'open' },
  ]);
});

test('an object that somebody planted where an upload is to go', async () => {
  const world = await makeWorld(server());
  world.write('a', 'hello');
  const entry = await world.entry('a');
  const run = stepRun();
  const scanned = await untilScanned(world.context, entry, run);
  if ('next' in scanned) throw new Error('unreachable');
  const put = world.store.put.bind(world.store);
  world.store.put = async (object) => {
    world.store.plantVersion(object.key, Buffer.from('not ours'));
    return put(object);
  };
  const refusal: unknown = await untilUploaded(world.context, scanned).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'planted_object' });
  // What the workflow does with an error that ends a look.
  const step = { entryId: entry.id, runId: 'run', round: 0, code: 'planted_object' };
  for (const _ of [1, 2]) await recordFailure(world.context, step, run);
  expect(await register(world)).toEqual([
    {
      ...{ kind: 'planted_object', subject: scanned.versionId, source: 'docs' },
      ...{ state: 'open', openedBy: 'holdfast', what: 'planted_object' },
    },
  ]);
});

test('an object that is gone when an equal file is to rest on it', async () => {
  const world = await verifyWorld(server());
  const lost = await world.protect('a.txt', 'one');
  world.store.lose(lost);
  await world.protect('b.txt', 'one');
  expect(await register(world)).toMatchObject([
    { kind: 'tampering', subject: lost.objectId, what: 'object_missing', source: 'docs' },
  ]);
});
