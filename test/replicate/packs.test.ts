import { expect, test } from 'vitest';
import { oneIsAway } from '../../src/batch/outage.ts';
import { Failure } from '../../src/domain/failures.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { copySlice } from '../../src/replicate/slice.ts';
import { makeBatch } from '../batch/batches.ts';
import { denied, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type TwoDestinations, twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();
const names = ['a', 'b', 'c'];

/** Three files that lie in one pack in `primary` and are planned for `second`. */
async function packed(): Promise<TwoDestinations> {
  const world = await twoDestinations(postgres());
  const { admission } = world.knobs;
  if (typeof admission === 'function') throw new TypeError('an admission was expected');
  world.knobs.admission = { ...admission, destinations: ['primary'] };
  for (const name of names) world.write(name, `content of ${name}`);
  await (await makeBatch(world as never, names)).run();
  await world.catalog.rows(
    `insert into placements (version_id, destination, state, reason)
     select version_id, 'second', 'planned', 'replicate:primary' from placements where state = 'committed'`,
  );
  expect(await objects(world, 'primary')).toEqual([{ packs: 1, alone: 0 }]);
  return world;
}

const objects = (world: TwoDestinations, destination: string) =>
  world.catalog.rows<{ packs: number; alone: number }>(
    `select count(*) filter (where pack_id is not null) as packs, count(*) filter (where pack_id is null) as alone
     from objects where destination = $1 and state = 'live'`,
    [destination],
  );

const states = async (world: TwoDestinations) =>
  (
    await world.catalog.rows<{ state: string }>(
      `select p.state from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
       where p.destination = 'second' order by e.path`,
    )
  ).map(({ state }) => state);

test('a pack is copied whole, under the same name, each of its files released', async () => {
  const world = await packed();
  world.releaseInputs.length = 0;
  expect(await world.fill('second')).toMatchObject({ copied: 3, isDone: true });
  expect(await states(world)).toEqual(['committed', 'committed', 'committed']);
  expect(await objects(world, 'second')).toEqual([{ packs: 1, alone: 0 }]);
  expect(world.releaseInputs.map(({ destination, sealing }) => [destination.name, sealing.basis])).toEqual(
    names.map(() => ['second', 'sealed-bytes']),
  );
  const [one] = await Array.fromAsync(world.primary.listVersions(''));
  const [other] = await Array.fromAsync(world.second.listVersions(''));
  if (!one || !other) throw new Error('a pack is missing');
  expect(other.key).toBe(one.key.replace('backup/', 'far/away/'));
  expect((await world.second.get(other)).equals(await world.primary.get(one))).toBe(true);
  const outcomes = await world.catalog.rows<{ outcome: string }>('select distinct outcome from versions');
  expect(outcomes).toEqual([{ outcome: 'uploaded' }]);
});

test('where one file of it is denied the others are copied alone', async () => {
  const world = await packed();
  world.knobs.release = ({ entry, destination }) =>
    destination.name === 'second' && entry.path === 'b'
      ? denied('destination_classification')
      : { allow: true, reasons: [] };
  expect(await world.fill('second')).toMatchObject({ copied: 2, isDone: true });
  expect(await states(world)).toEqual(['committed', 'denied', 'committed']);
  expect(await objects(world, 'second')).toEqual([{ packs: 0, alone: 2 }]);
  expect(await world.contents(world.second)).toEqual(['content of a', 'content of c']);
});

test('of a damaged pack only what is whole is copied', async () => {
  const world = await packed();
  const [pack] = await Array.fromAsync(world.primary.listVersions(''));
  const [member] = await world.catalog.rows<{ offset: number }>(
    'select byte_offset as offset from pack_members order by position limit 1 offset 1',
  );
  if (!pack || !member) throw new Error('no pack');
  world.primary.damage(pack, (body) => {
    body[member.offset + 30] = (body[member.offset + 30] ?? 0) ^ 1;
    return body;
  });
  expect(await world.fill('second')).toMatchObject({ copied: 2, deferred: 1 });
  expect((await states(world)).sort()).toEqual(['committed', 'committed', 'planned']);
});

test.each(['after-intent', 'after-put', 'after-read-back', 'after-commit'])(
  'killed at %s it goes on where it stopped',
  async (point) => {
    const world = await packed();
    const dying = world.another({
      destinations: world.context.destinations,
      failPoints: {
        reach: (name) => {
          if (name === point) throw new Error('crash');
        },
      },
    });
    await copySlice(dying, { destination: 'second', sliceMs: 60_000 }, stepRun()).catch(() => {});
    await reconcile(world.context);
    await world.fill('second');
    expect(await states(world)).toEqual(['committed', 'committed', 'committed']);
    expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
    expect(await world.catalog.rows(`select 1 from intents where state = 'open'`)).toEqual([]);
  },
);

test('a batch goes to all its destinations, under the lock of each; not while one is away', async () => {
  const world = await twoDestinations(postgres());
  for (const name of names) world.write(name, `content of ${name}`);
  const batch = await makeBatch(world as never, names);
  await batch.run(world.context);
  expect(await objects(world, 'second')).toEqual([{ packs: 1, alone: 0 }]);
  const locks = await world.catalog.rows<{ days: number }>(
    `select round(extract(epoch from retain_until - now()) / 86400)::int as days from objects order by destination`,
  );
  expect(locks).toEqual([{ days: 7 }, { days: 30 }]);
  expect(await oneIsAway(world.context)).toBe(false);
  world.secondFault = () => {
    throw new Failure('s3_unavailable', { destination: 'second', reason: 'ECONNREFUSED' });
  };
  expect(await oneIsAway(world.context)).toBe(true);
});
