import { hash } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { objectsToCheck, packMembers, unsound } from '../../src/catalog/verify-query.ts';
import type { Settled } from '../../src/domain/steps.ts';
import { ByteBudget } from '../../src/restore/byte-budget.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { readPack } from '../../src/verify/read-pack.ts';
import { protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type ProtectedPack, type VerifyWorld, verifyWorld } from './world.ts';

const postgres = usePostgres();
const files = { 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three', 'd.txt': 'four' };

const flip = (at: number) => (body: Buffer) => {
  body[at] = (body[at] ?? 0) ^ 1;
  return body;
};
/** In the middle of a member. */
const inMember = ({ members }: ProtectedPack, at: number): number =>
  (members[at]?.offset ?? 0) + Math.floor((members[at]?.length ?? 0) / 2);

const outcomes = (world: VerifyWorld) =>
  world.catalog.rows<{ path: string; outcome: string; reason: string | null; state: string }>(
    `select convert_from(e.path, 'UTF8') as path, v.outcome, v.reason, p.state from entries e
     join versions v on v.id = e.head_version_id join placements p on p.version_id = v.id order by 1`,
  );

test('a pack is looked at once for all files in it, and read with few requests', async () => {
  const world = await verifyWorld(postgres());
  await world.protectPack(files);
  await world.protect('alone.txt', 'alone');
  const get = vi.spyOn(world.store, 'get');
  const found = await world.verify({ readSample: 1, inventory: true });
  expect(found.told.filter(({ kind }) => kind !== 'leftover')).toEqual([]);
  expect(found).toMatchObject({ checked: 2, read: 2 });
  expect(get.mock.calls.filter(([{ key }]) => key.includes('packs/')).length).toBeLessThan(8);
});

test('a flipped byte in one member: its file is uploaded anew, the others keep resting there', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  world.write('b.txt', 'newer b');
  world.store.damage(pack, flip(inMember(pack, 2)));
  expect((await world.verify()).told).toEqual([]);
  expect((await world.verify({ readSample: 1, repair: false })).told).toMatchObject([
    { kind: 'tampered', detail: '1 of its files' },
  ]);
  const found = await world.verify({ readSample: 1 });
  expect(found.told).toMatchObject([
    { kind: 'tampered', key: pack.key, detail: '1 of its files', remedy: 'upload anew' },
  ]);
  expect(found.told[0]?.affected?.map(({ path }) => path.toString())).toEqual(['c.txt']);
  const rests = { outcome: 'uploaded', reason: null, state: 'committed' };
  expect(await outcomes(world)).toEqual([
    { path: 'a.txt', ...rests },
    { path: 'b.txt', ...rests },
    { path: 'c.txt', outcome: 'failed', reason: 'object_lost', state: 'failed' },
    { path: 'd.txt', ...rests },
  ]);
  const again = (await protectOnce(world.context, await world.entry('c.txt'))) as Settled;
  expect(again).toMatchObject({ outcome: 'uploaded' });
  // What was given up is not told again, and the rest of the pack is sound.
  expect((await world.verify({ readSample: 1 })).told).toEqual([]);
  expect(await unsound(world.catalog)).toMatchObject({ objects: 0, lostEntries: 0 });
});

test('a duplicate rests on a member only while nothing is wrong with the pack', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  const before = (await world.store.head(pack))?.lock?.retainUntil ?? new Date();
  world.knobs.storeAheadMs = 5 * 86_400_000;
  expect(await world.protect('same as a', 'one')).toMatchObject({
    settled: { outcome: 'duplicate' },
    objectId: pack.objectId,
  });
  const after = (await world.store.head(pack))?.lock?.retainUntil ?? before;
  expect(after.getTime() - before.getTime()).toBeGreaterThan(3 * 86_400_000);
  world.store.damage(pack, flip(inMember(pack, 0)));
  await world.verify({ readSample: 1, repair: false });
  expect(await world.protect('same as c', 'three')).toMatchObject({ settled: { outcome: 'uploaded' } });
});

test('a pack cut short by its checksum loses the members behind the cut, without their being sampled for reading', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  const cut = (pack.members[2]?.offset ?? 0) + 10;
  world.store.damage(pack, (body) => body.subarray(0, cut));
  const found = await world.verify();
  expect(found.told).toMatchObject([{ kind: 'tampered', detail: '2 of its files', remedy: 'upload anew' }]);
  expect((await outcomes(world)).map(({ outcome }) => outcome)).toEqual([
    'uploaded',
    'uploaded',
    'failed',
    'failed',
  ]);
  // What is given up is told once, although the object is never whole again.
  expect((await world.verify({ readSample: 1 })).told).toEqual([]);
});

test('a damaged index is told, and no file is given up for it', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  const last = pack.members.at(-1);
  world.store.damage(pack, flip((last?.offset ?? 0) + (last?.length ?? 0) + 40));
  const found = await world.verify({ readSample: 1 });
  expect(found.told).toMatchObject([{ kind: 'tampered', detail: 'none of its files' }]);
  expect(found.told[0]?.remedy).toBeUndefined();
  expect((await outcomes(world)).every(({ outcome }) => outcome === 'uploaded')).toBe(true);
});

test('so is one that names another version where the catalog has this one: a recovery would go by it', async () => {
  const world = await verifyWorld(postgres());
  await world.protectPack(files, 'f'.repeat(32));
  expect((await world.verify({ readSample: 1 })).told).toMatchObject([
    { kind: 'tampered', detail: 'none of its files' },
  ]);
});

test('a lost pack: the versions of all its members are failed and uploaded anew', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  world.store.lose(pack);
  const found = await world.verify({ inventory: true });
  const told = found.told.filter(({ kind }) => kind !== 'leftover');
  expect(told).toMatchObject([{ kind: 'missing', key: pack.key, remedy: 'upload anew' }]);
  expect((await outcomes(world)).every(({ outcome }) => outcome === 'failed')).toBe(true);
  expect(await protectOnce(world.context, await world.entry('a.txt'))).toMatchObject({ outcome: 'uploaded' });
});

test.each(['missing', 'tampered'] as const)(
  'a pack that is %s is found again under another version, or copied from another destination, for all its files',
  async (what) => {
    const world = await verifyWorld(postgres());
    const pack = await world.protectPack(files);
    const body = await world.store.get(pack);
    const second = new MemoryStore({ name: 'second', now: () => new Date() });
    const destinations = new Map([
      ...world.deps.destinations,
      ['second', { store: second, prefix: 'backup' }],
    ]);
    const put = { key: pack.key, body, sha256: hash('sha256', body, 'buffer') };
    const copy = await second.put({ ...put, lock: { mode: 'GOVERNANCE', days: 8 } });
    await world.catalog.rows(
      `insert into objects (id, destination, key, s3_version_id, length, pack_id, scope, format, lock_mode, retain_until, state)
       select 'second', 'second', key, $2, length, pack_id, scope, format, lock_mode, retain_until, state from objects where id = $1`,
      [pack.objectId, copy.kind === 'stored' ? copy.versionId : ''],
    );
    const spoil = (version: { key: string; versionId: string }) =>
      what === 'missing' ? world.store.lose(version) : world.store.damage(version, flip(inMember(pack, 1)));
    const again = await world.store.put({ ...put, lock: { mode: 'GOVERNANCE', days: 8 }, onTop: true });
    spoil(pack);
    const reading = { readSample: 1 };
    expect((await world.verify(reading, { destinations })).told).toMatchObject([{ remedy: 'found again' }]);
    spoil({ key: pack.key, versionId: again.kind === 'stored' ? again.versionId : '' });
    expect((await world.verify(reading, { destinations })).told).toMatchObject([{ remedy: 'copied' }]);
    expect((await outcomes(world)).map(({ outcome, state }) => `${outcome} ${state}`)).toEqual(
      Array.from({ length: 4 }, () => 'uploaded committed'),
    );
    expect((await world.verify(reading, { destinations })).told).toEqual([]);
  },
);

test('an inventory finds a pack that the catalog does not know, and a foreign version of one it does', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  const unknown = `backup/packs/${'a'.repeat(64)}`;
  world.store.plantVersion(unknown, await world.store.get(pack));
  world.store.plantVersion(pack.key, Buffer.from('foreign'));
  const { told } = await world.verify({ inventory: true });
  expect(told.map(({ kind, key, subject }) => [kind, key, subject])).toEqual(
    expect.arrayContaining([
      ['unknown_object', unknown, 'content'],
      ['foreign_version', pack.key, 'content'],
    ]),
  );
  expect(told.filter(({ kind }) => kind !== 'leftover')).toHaveLength(2);
});

test('members that no key opens take no memory with them', async () => {
  const world = await verifyWorld(postgres());
  await world.protectPack(files);
  const [object] = await objectsToCheck(world.catalog, 'primary', {
    ...{ order: 'read_at', before: new Date(Date.now() + 60_000), limit: 1 },
  });
  if (object === undefined) expect.fail('nothing to check');
  // The index opens, and nothing else.
  let asked = 0;
  const keys = { byId: (id: Buffer) => (asked++ === 0 ? world.context.keys.byId(id) : undefined) };
  const memory = new ByteBudget(1_000_000);
  const stores = new Map([['primary', world.store]]);
  const deps = { keys, memory, stores, signal: new AbortController().signal, retryPausesMs: [1] };
  const members = await packMembers(world.catalog, object.id);
  expect(members).toHaveLength(4);
  expect(await readPack(deps, 'primary', object, members, () => {})).toEqual({ result: 'unreadable' });
  (await memory.take(1_000_000))();
});

test('a pack of a shredded scope counts as shredded, not as damaged', async () => {
  const world = await verifyWorld(postgres());
  const pack = await world.protectPack(files);
  const keys = { byId: () => undefined };
  const found = await world.verify({ readSample: 1 }, { keys });
  expect(found.told).toMatchObject([{ kind: 'unreadable', key: pack.key }]);
  await world.catalog.rows(
    `insert into scope_shreddings (scope_id, scope, requested_by, pending_until, state) values ('x', 'default', 'me', now(), 'done')`,
  );
  expect(await world.verify({ readSample: 1 }, { keys })).toMatchObject({ told: [], shredded: 1 });
  // Its hashes become random ones, of members too.
  const forgotten = await world.catalog.rows<{ contents: number }>(`select * from forget_scope('default')`);
  expect(forgotten).toMatchObject([{ contents: 4 }]);
  const known = Object.values(files).map((content) => hash('sha512', content, 'hex'));
  const hashes = await world.catalog.rows<{ hash: string }>(
    `select encode(sha512, 'hex') as hash from pack_members union all select encode(sha512, 'hex') from contents`,
  );
  expect(hashes.filter((row) => known.includes(row.hash))).toEqual([]);
});
