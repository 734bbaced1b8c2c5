import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { liftLegalHold, placeLegalHold } from '../../src/retention/legal-hold.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { failureOf } from '../storage/contract.ts';
import { usePostgres } from '../support/postgres.ts';
import { holding, type RetentionWorld, retentionWorld, storeLike } from './world.ts';

const server = usePostgres();

/** One file to be locked, one to be deleted, and a legal hold. */
async function busyWorld() {
  const world = await retentionWorld(server());
  await world.protect('stays', 'stays');
  await world.protect('goes', 'goes');
  await world.gone('goes');
  await world.pass(31);
  return world;
}

const hold = (world: RetentionWorld) => ({
  runId: newRunId(),
  sourceId: world.sourceId,
  path: Buffer.from('stays'),
  caseName: '',
  reason: 'r',
  actor: 'officer',
});

test.each([3, -3])(
  'a bucket whose clock is %s minutes off stops every lock change, and says both times',
  async (minutes) => {
    const world = await busyWorld();
    await placeLegalHold(holding(world), hold(world));
    const before = await world.catalog.rows('select id, state, retain_until from objects order by id');
    world.knobs.storeAheadMs = minutes * 60_000;
    world.calls.length = 0;
    const failure: unknown = await world.retain().catch((error: unknown) => error);
    if (!(failure instanceof Failure)) throw failure;
    expect(failure).toMatchObject({ code: 'clock_skew', exitCode: 5 });
    const { theirs, here } = failure.facts as Record<string, string>;
    expect(failure.message).toContain(`by primary it is ${theirs}, by this machine ${here}`);
    const apartMs = Date.parse(theirs ?? '') - Date.parse(here ?? '');
    expect(Math.abs(apartMs - minutes * 60_000)).toBeLessThan(1_000);
    expect(await failureOf(placeLegalHold(holding(world), hold(world)))).toBe('clock_skew');
    expect(await failureOf(liftLegalHold(holding(world), hold(world)))).toBe('clock_skew');
    expect(world.calls).toEqual([]);
    expect(await world.catalog.rows('select id, state, retain_until from objects order by id')).toEqual(
      before,
    );
    // Files are protected meanwhile: their locks are counted by the bucket's clock.
    expect((await world.protect('new', 'new')).outcome).toBe('uploaded');
    world.knobs.storeAheadMs = minutes * 20_000;
    expect((await world.retain()).totals).toMatchObject({ extended: 2, expired: 1, deleted: 1 });
  },
);

test('a catalog whose clock is off stops it too', async () => {
  const world = await busyWorld();
  const { rows } = world.catalog;
  const catalog = Object.create(world.catalog, {
    rows: {
      value: async (sql: string, values: unknown[]) =>
        sql === 'select now() as now'
          ? [{ now: new Date(Date.now() + 180_000) }]
          : rows.call(world.catalog, sql, values),
    },
  }) as typeof world.catalog;
  expect(await failureOf(world.retain({ catalog }))).toBe('clock_skew');
});

test('a destination that is down delays only what lies in it', async () => {
  const world = await busyWorld();
  const down = storeLike(world.store, {
    facts: async () => {
      throw new Failure('s3_unavailable', { destination: 'second', reason: 'down' });
    },
  });
  const both = new Map<string, { store: ObjectStore; lockDays: number }>([
    ...world.retention.destinations,
    ['second', { store: down, lockDays: 7 }],
  ]);
  await world.catalog.rows(
    `insert into objects (id, destination, key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state)
     select 'x' || id, 'second', key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state from objects`,
  );
  await world.catalog.rows(
    `insert into placements (version_id, destination, object_id, length, state)
     select version_id, 'second', 'x' || object_id, length, state from placements`,
  );
  const { result, totals } = await world.retain({ destinations: both });
  expect(result).toBe('incomplete');
  expect(totals).toMatchObject({ extended: 1, expired: 1, deleted: 1 });
  expect(totals.unreachable).toBeGreaterThan(0);
  expect(
    await failureOf(world.retain({ destinations: new Map([['second', { store: down, lockDays: 7 }]]) })),
  ).toBe('s3_unavailable');
});
