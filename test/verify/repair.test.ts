import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { MemoryStore, type StoreCall } from '../../src/storage/memory-store.ts';
import { noise } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type Protected, type VerifyWorld, verifyWorld } from './world.ts';

const postgres = usePostgres();

interface TwoStores extends VerifyWorld {
  readonly second: MemoryStore;
  /** Fails requests to the second store. */
  fault: (call: StoreCall) => void;
  /** Gives the object's versions a committed placement in the second store too, with the same sealed bytes. */
  replicate(object: Protected): Promise<{ key: string; versionId: string }>;
}

async function twoStores(): Promise<TwoStores> {
  const world = await verifyWorld(postgres());
  const second = new MemoryStore({
    name: 'second',
    now: () => new Date(),
    fault: (call) => made.fault(call),
  });
  const destinations = new Map([...world.deps.destinations, ['second', { store: second, prefix: 'other' }]]);
  const deps = { ...world.deps, destinations };
  const made: TwoStores = {
    ...world,
    deps,
    second,
    fault: () => {},
    verify: (request, changed) => world.verify(request, { ...deps, ...changed }),
    async replicate({ key, versionId, objectId }) {
      const body = await world.store.get({ key, versionId });
      const copy = key.replace('backup/', 'other/');
      const sha256 = hash('sha256', body, 'buffer');
      const put = await second.put({ key: copy, body, sha256, lock: { mode: 'GOVERNANCE', days: 8 } });
      if (put.kind !== 'stored') throw new Error(put.kind);
      const id = world.context.ids.object('second', copy, put.versionId);
      await world.catalog.rows(
        `insert into objects (id, destination, key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state)
         select $2, 'second', $3, $4, length, sealing_id, sha512, scope, format, lock_mode, retain_until, state from objects where id = $1`,
        [objectId, id, copy, put.versionId],
      );
      await world.catalog.rows(
        `insert into placements (version_id, destination, object_id, length, state)
         select version_id, 'second', $2, length, state from placements where object_id = $1`,
        [objectId, id],
      );
      return { key: copy, versionId: put.versionId };
    },
  };
  return made;
}

const restingOn = (world: VerifyWorld, versionId: string | undefined) =>
  world.catalog.rows<{ destination: string; key: string; s3VersionId: string; state: string }>(
    `select p.destination, o.key, o.s3_version_id as "s3VersionId", p.state from placements p left join objects o on o.id = p.object_id
     where p.version_id = $1 order by 1`,
    [versionId],
  );

test.each([
  ['small', 'missing'],
  ['small', 'tampered'],
  ['large', 'missing'],
  ['large', 'tampered'],
] as const)('a %s object is copied from another destination when it is %s', async (size, what) => {
  const world = await twoStores();
  const content = size === 'small' ? 'content' : noise(20 * 1024 * 1024);
  const object = await world.protect('a.txt', content);
  const shared = await world.protect('same.txt', content);
  await world.replicate(object);
  const before = await world.store.head(object);
  if (what === 'missing') world.store.lose(object);
  else world.store.damage(object, (body) => body.subarray(1));

  const found = await world.verify({ sample: 1 });
  expect(found.told).toMatchObject([{ kind: what, key: object.key, remedy: 'copied' }]);
  expect(found.repaired).toBe(1);
  for (const version of [object, shared]) {
    const [primary] = await restingOn(world, version.settled.versionId);
    expect(primary).toMatchObject({ destination: 'primary', key: object.key, state: 'committed' });
    expect(primary?.s3VersionId).not.toBe(object.versionId);
    const facts = await world.store.head({ key: object.key, versionId: primary?.s3VersionId ?? '' });
    // In the same parts, so that the recorded checksum holds for the copy.
    expect(facts).toMatchObject({ lengthBytes: before?.lengthBytes, checksum: before?.checksum });
    expect(facts?.lock?.retainUntil.getTime()).toBeGreaterThanOrEqual(
      before?.lock?.retainUntil.getTime() ?? Infinity,
    );
  }
  expect(await world.catalog.rows(`select outcome from versions where reason = 'object_lost'`)).toEqual([]);
  const after = await world.verify({ readSample: 1, inventory: true });
  // What is damaged stays there until its lock ends.
  expect(after.findings).toEqual(what === 'missing' ? {} : { leftover: 1 });
});

test('a damaged copy is not taken: the file is uploaded anew', async () => {
  const world = await twoStores();
  const object = await world.protect('a.txt', 'one');
  const copy = await world.replicate(object);
  world.store.lose(object);
  world.second.damage(copy, (body) => {
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    return body;
  });
  const found = await world.verify({ sample: 1 });
  expect(found.told).toMatchObject([{ kind: 'missing', destination: 'primary', remedy: 'upload anew' }]);
  expect(await world.store.versionsOf(object.key)).toEqual([]);
  expect(await restingOn(world, object.settled.versionId)).toMatchObject([
    { destination: 'primary', state: 'failed' },
    { destination: 'second', state: 'committed' },
  ]);
});

test('while the other destination is away the object is not given up', async () => {
  const world = await twoStores();
  const object = await world.protect('a.txt', 'one');
  await world.replicate(object);
  world.store.lose(object);
  world.fault = ({ operation }) => {
    if (operation === 'get') throw new Failure('s3_unavailable', { destination: 'second', reason: 'test' });
  };
  const found = await world.verify({ sample: 1 });
  expect(found.told).toMatchObject([{ kind: 'missing', detail: 'not repaired: s3_unavailable' }]);
  world.fault = () => {};
  expect((await world.verify({ sample: 1 })).told).toMatchObject([{ kind: 'missing', remedy: 'copied' }]);
});

test('a repair that died after its write is found again, and nothing is written twice', async () => {
  const world = await twoStores();
  const object = await world.protect('a.txt', 'one');
  await world.replicate(object);
  world.store.lose(object);
  world.knobs.fault = ({ operation, moment }) => {
    if (operation === 'put' && moment === 'after')
      throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
  };
  await world.verify({ sample: 1 });
  world.knobs.fault = () => {};
  expect((await world.verify({ sample: 1 })).told).toMatchObject([
    { kind: 'missing', remedy: 'found again' },
  ]);
  expect(await world.store.versionsOf(object.key)).toHaveLength(1);
});

test('in a bucket that was copied the same bytes count under another version id, once they are locked', async () => {
  const world = await verifyWorld(postgres());
  const object = await world.protect('a.txt', 'one');
  const body = await world.store.get(object);
  const sha256 = hash('sha256', body, 'buffer');
  world.store.lose(object);
  world.store.plantVersion(object.key, Buffer.alloc(body.length));
  const lock = { mode: 'GOVERNANCE', days: 1 } as const;
  await world.store.put({ key: object.key, body, sha256, lock, onTop: true });
  expect((await world.verify()).told).toMatchObject([{ kind: 'missing', remedy: 'found again' }]);
  expect((await world.verify({ readSample: 1 })).told).toEqual([]);
});
