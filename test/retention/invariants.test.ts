import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { newRunId } from '../../src/domain/ids.ts';
import { lockModes } from '../../src/domain/records.ts';
import { liftLegalHold, placeLegalHold } from '../../src/retention/legal-hold.ts';
import { planRetention } from '../../src/retention/plan.ts';
import { usePostgres } from '../support/postgres.ts';
import { holding, type RetentionWorld, retentionWorld, standard } from './world.ts';

const server = usePostgres();
const dayMs = 86_400_000;

let draws = 0;
/** A number below `limit`; the same ones in every run, so that what fails fails again. */
const drawn = (limit: number): number => hash('sha256', `draw ${draws++}`, 'buffer').readUInt32BE(0) % limit;

/** Every lock in the bucket, in milliseconds from now and by strength. */
async function locks({ store }: RetentionWorld): Promise<Map<string, { untilMs: number; strength: number }>> {
  const found = new Map<string, { untilMs: number; strength: number }>();
  for await (const version of store.listVersions('')) {
    const lock = (await store.head(version))?.lock;
    if (lock === undefined) throw new Error('an object without a lock');
    found.set(version.versionId, {
      untilMs: lock.retainUntil.getTime(),
      strength: lockModes.indexOf(lock.mode),
    });
  }
  return found;
}

/** What must be true after every run. */
async function expectInvariants(world: RetentionWorld): Promise<void> {
  const rows = await world.catalog.rows<{
    isHead: boolean;
    key: string;
    versionId: string;
    retainUntil: Date;
    mode: string;
  }>(
    `select e.head_version_id = v.id as "isHead", o.key, o.s3_version_id as "versionId", o.retain_until as "retainUntil", o.lock_mode as mode
     from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id join objects o on o.id = p.object_id
     where p.state = 'committed'`,
  );
  for (const { isHead, retainUntil, mode, ...object } of rows) {
    const facts = await world.store.head(object);
    expect(facts?.lock).toEqual({ mode, retainUntil });
    const days = world.classes.standard?.days ?? 0;
    if (isHead) expect(retainUntil.getTime()).toBeGreaterThan(Date.now() + days * dayMs);
  }
  const leftovers = await world.catalog.rows(`select 1 from objects where state = 'deleting'`);
  expect(leftovers).toEqual([]);
}

test('whatever is done and however classes change: no lock gets shorter or weaker, no committed placement is without its object', async () => {
  const world = await retentionWorld(server());
  const names = ['a', 'b', 'c', 'd'];
  const known = new Set<string>();
  for (let round = 0; round < 25; round++) {
    const name = names[drawn(names.length)] ?? 'a';
    const content = `content ${drawn(5)}`;
    const action = drawn(6);
    if (action < 3) {
      await world.protect(name, content);
      known.add(name);
    } else if (action === 3 && known.delete(name)) await world.gone(name);
    else if (action === 4)
      world.classes.standard = {
        ...standard,
        ...{ days: 1 + drawn(10), versions: drawn(3), minimumDays: drawn(10) },
      };
    else {
      const request = {
        runId: newRunId(),
        sourceId: world.sourceId,
        path: Buffer.from(name),
        reason: 'r',
        actor: 'o',
      };
      await placeLegalHold(holding(world), { ...request, caseName: '' });
      if (drawn(2) === 0) await liftLegalHold(holding(world), { ...request, caseName: '' });
    }
    await world.pass(drawn(12));
    const before = await locks(world);
    await world.retain();
    for (const [versionId, after] of await locks(world)) {
      const was = before.get(versionId);
      expect(after.untilMs).toBeGreaterThanOrEqual(was?.untilMs ?? 0);
      expect(after.strength).toBeGreaterThanOrEqual(was?.strength ?? 0);
    }
    await expectInvariants(world);
  }
}, 60_000);

test('a pack goes when all of it may, and what it keeps until then is told', async () => {
  const world = await retentionWorld(server());
  const [a, b] = [await world.protect('a', 'first'), await world.protect('b', 'second file')];
  const [first, second] = [await world.object(a.versionId), await world.object(b.versionId)];
  // As the sweep lane packs them: the object of the first is the pack, the second lies behind it.
  await world.asOwner(`
    insert into pack_members (pack_id, position, sealing_id, sha512, byte_offset, length, sha256)
      select 'pack', case when id = '${first.id}' then 0 else 1 end, sealing_id, sha512,
             case when id = '${first.id}' then 0 else 1000 end, length, decode(repeat('00', 32), 'hex')
      from objects where id in ('${first.id}', '${second.id}');
    update objects set pack_id = 'pack', sealing_id = null, sha512 = null where id = '${first.id}';
    update placements set object_id = '${first.id}', byte_offset = 1000 where version_id = '${b.versionId}';
    delete from objects where id = '${second.id}'`);
  await world.gone('a');
  await world.pass(31);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 0, extended: 1 });
  expect(await world.object(a.versionId)).toMatchObject({ state: 'live', isThere: true });
  const plan = await planRetention(world.retention, world.sourceId, () => {});
  const [member] = await world.catalog.rows<{ length: number }>(
    'select length from pack_members where position = 0',
  );
  expect(plan.keptAlive).toEqual([{ destination: 'primary', packs: 1, bytes: member?.length }]);
  expect(plan.objects).toBe(0);
  await world.gone('b');
  await world.pass(31);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 1 });
  expect(await world.object(b.versionId)).toMatchObject({ state: 'deleted', isThere: false });
});
