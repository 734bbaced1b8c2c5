import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { fingerprint } from '../../src/pipeline/fingerprint.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { recordFailure } from '../../src/pipeline/record-failure.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import {
  headOf,
  makeWorld,
  noise,
  protectOnce,
  stepRun,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const hourMs = 3_600_000;

/** A file whose upload was cut off: after `operation` had taken effect, or before it began. */
async function cutOff(
  world: World,
  path: string,
  content: Buffer,
  operation: keyof ObjectStore,
  moment: 'before' | 'after',
) {
  world.write(path, content);
  const entry = await world.entry(path);
  const run = stepRun();
  const scanned = await untilScanned(world.context, entry, run);
  if ('next' in scanned) throw new Error('unreachable');
  world.knobs.fault = (call) => {
    if (call.operation === operation && call.moment === moment)
      throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
  };
  await expect(untilUploaded(world.context, scanned, run)).rejects.toMatchObject({ code: 's3_unavailable' });
  world.knobs.fault = () => {};
  return { entry, run, scanned };
}

async function giveUp(world: World, { entry, run }: Awaited<ReturnType<typeof cutOff>>): Promise<void> {
  await recordFailure(world.context, { entryId: entry.id, runId: 'run', round: 0, code: 'test' }, run);
}

const intentStates = (world: World) =>
  world.catalog.rows<{ state: string; reason: string | null }>(
    'select state, closed_reason as reason from intents',
  );

describe('reconcile', () => {
  test('invariant 5: commits what landed as the older version it is; the newer one stays the head', async () => {
    const world = await makeWorld(postgres());
    const { entry, run, scanned } = await cutOff(world, 'a', Buffer.from('old'), 'put', 'after');
    world.write('a', 'new');
    const look = { entryId: entry.id, runId: 'run', round: 0 };
    expect(await fingerprint(world.context, look, run)).toEqual({ next: 'changed' });
    const newer = await protectOnce(world.context, entry);

    await reconcile(world.context);
    expect(await world.catalog.version(scanned.versionId)).toMatchObject({ outcome: 'uploaded' });
    const head = await headOf(world, entry.id);
    expect(head?.id).toBe(newer.next === 'settled' ? newer.versionId : '');
    expect((await intentStates(world)).map(({ state }) => state)).toEqual(['committed', 'committed']);
    expect(await world.catalog.rows('select count(*) as n from objects')).toEqual([{ n: 2 }]);
  });

  test('invariant 3: brings the lock of what landed to its full length first', async () => {
    const world = await makeWorld(postgres());
    const cut = await cutOff(world, 'a', Buffer.from('old'), 'put', 'after');
    await giveUp(world, cut);
    world.knobs.storeAheadMs = 6 * 24 * hourMs;
    await reconcile(world.context);
    const [version] = await world.versions();
    const lock = (await world.store.head(version as never))?.lock;
    const wanted = Date.now() + world.knobs.storeAheadMs + 7 * 24 * hourMs;
    expect(lock?.retainUntil.getTime()).toBeGreaterThan(wanted - hourMs);
    expect(await world.catalog.rows('select retain_until as until from objects')).toEqual([
      { until: lock?.retainUntil },
    ]);
  });

  test('closes the intent of what never landed', async () => {
    const world = await makeWorld(postgres());
    await giveUp(world, await cutOff(world, 'a', Buffer.from('old'), 'put', 'before'));
    await reconcile(world.context);
    expect(await intentStates(world)).toEqual([{ state: 'aborted', reason: 'version_failed' }]);
    expect(await world.versions()).toEqual([]);
  });

  test('drops the parts of a large file that was given up', async () => {
    const world = await makeWorld(postgres());
    const cut = await cutOff(world, 'big', noise(9 * 1024 * 1024), 'completeMultipart', 'before');
    await giveUp(world, cut);
    await reconcile(world.context);
    expect(await intentStates(world)).toMatchObject([{ state: 'aborted' }]);
    for await (const open of world.store.listMultiparts('')) expect(open).toBeUndefined();
  });

  test('leaves alone what a workflow is still about', async () => {
    const world = await makeWorld(postgres());
    const { scanned } = await cutOff(world, 'a', Buffer.from('old'), 'put', 'after');
    await reconcile(world.context);
    expect(await intentStates(world)).toEqual([{ state: 'open', reason: null }]);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
  });

  test('does all it can although one intent cannot be settled', async () => {
    const world = await makeWorld(postgres());
    await giveUp(world, await cutOff(world, 'a', Buffer.from('first'), 'put', 'after'));
    await giveUp(world, await cutOff(world, 'b', Buffer.from('second'), 'put', 'after'));
    const [first] = await world.catalog.rows<{ key: string }>(
      'select object_key as key from intents order by opened_at limit 1',
    );
    world.knobs.fault = ({ operation, key }) => {
      if (operation === 'versionsOf' && key === first?.key)
        throw new Failure('s3_denied', { destination: 'primary', reason: 'test' });
    };
    await reconcile(world.context);
    expect((await intentStates(world)).map(({ state }) => state).sort()).toEqual(['committed', 'open']);
  });

  test('drops what an upload of a closed intent left after an hour, never what an open one stands for', async () => {
    const world = await makeWorld(postgres());
    const left = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of world.store.listMultiparts('')) keys.push(key);
      return keys;
    };
    const begin = async (key: string, ageMs: number) => {
      world.knobs.storeAheadMs = -ageMs;
      await world.store.createMultipart({ key, lock: { mode: 'GOVERNANCE', days: 1 } });
      world.knobs.storeAheadMs = 0;
    };
    await cutOff(world, 'open', noise(9 * 1024 * 1024), 'createMultipart', 'before');
    world.write('done', 'one');
    await protectOnce(world.context, await world.entry('done'));
    const keys = await world.catalog.rows<{ key: string; state: string }>(
      'select object_key as key, state from intents order by state',
    );
    expect(keys.map(({ state }) => state)).toEqual(['committed', 'open']);
    const [closed, open] = keys.map(({ key }) => key) as [string, string];
    await begin(closed, 2 * hourMs);
    await begin(open, 2 * hourMs);
    await reconcile(world.context);
    expect(await left()).toEqual([open]);
    await begin(closed, hourMs / 2);
    await reconcile(world.context);
    expect((await left()).toSorted()).toEqual([closed, open].toSorted());
  });

  test('drops uploads that no intent stands for, once they are a week old', async () => {
    const world = await makeWorld(postgres());
    const lock = { mode: 'GOVERNANCE' as const, days: 1 };
    await world.store.createMultipart({ key: 'backup/objects/young', lock });
    world.knobs.storeAheadMs = -8 * 24 * hourMs;
    await world.store.createMultipart({ key: 'backup/objects/old', lock });
    await world.store.createMultipart({ key: 'elsewhere/old', lock });
    world.knobs.storeAheadMs = 0;
    await reconcile(world.context);
    const left: string[] = [];
    for await (const { key } of world.store.listMultiparts('')) left.push(key);
    expect(left).toEqual(['backup/objects/young', 'elsewhere/old']);
  });
});
