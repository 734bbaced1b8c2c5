import { expect, test } from 'vitest';
import { newRunId } from '../../src/domain/ids.ts';
import { placeLegalHold } from '../../src/retention/legal-hold.ts';
import { type PlannedStep, planRetention } from '../../src/retention/plan.ts';
import { usePostgres } from '../support/postgres.ts';
import { holding, type RetentionWorld, retentionWorld, standard } from './world.ts';

const server = usePostgres();

async function plan(world: RetentionWorld) {
  const steps: PlannedStep[] = [];
  const found = await planRetention(world.retention, world.sourceId, (step) => steps.push(step));
  return { ...found, steps, does: (what: PlannedStep['does']) => steps.filter(({ does }) => does === what) };
}

test('a plan tells what a run then does, and when each object may go; and changes nothing', async () => {
  const world = await retentionWorld(server());
  world.classes.standard = { ...standard, versions: 1, minimumDays: 0, days: 1 };
  for (const content of ['one', 'two', 'three']) await world.protect('a', content);
  await world.protect('b', 'two');
  await world.gone('b');
  await world.protect('held', 'held');
  await placeLegalHold(holding(world), {
    ...{ runId: newRunId(), sourceId: world.sourceId, path: Buffer.from('held') },
    ...{ caseName: '', reason: 'r', actor: 'officer' },
  });
  await world.gone('held');
  await world.pass(3);
  world.calls.length = 0;
  const before = await world.catalog.rows('select * from placements order by version_id');
  const found = await plan(world);
  expect(found).toMatchObject({
    extended: 0,
    expired: 3,
    objects: 2,
    bytesNow: 0,
    kept: { head: 1, legal_hold: 1 },
  });
  expect(found.bytes).toBeGreaterThan(0);
  expect(found.does('expire').map((step) => 'path' in step && step.path.toString())).toEqual(
    expect.arrayContaining(['a', 'a', 'b']),
  );
  const locks = await world.catalog.rows<{ retainUntil: Date }>(
    `select max(o.retain_until) as "retainUntil" from objects o join sealings s on s.id = o.sealing_id
     join versions v on v.id = s.version_id where v.reason is null`,
  );
  expect(found.goneBy?.getTime()).toBeLessThanOrEqual(locks[0]?.retainUntil.getTime() ?? 0);
  expect(found.does('delete').every((step) => 'mayGoAt' in step && step.mayGoAt > new Date())).toBe(true);
  expect(world.calls).toEqual([]);
  expect(await world.catalog.rows('select * from placements order by version_id')).toEqual(before);

  const { totals } = await world.retain();
  expect(totals).toMatchObject({ expired: found.expired, extended: found.extended, deleted: 0 });
  // Expired, and waiting for their locks: told still.
  expect(await plan(world)).toMatchObject({ expired: 0, objects: 2, bytes: found.bytes, bytesNow: 0 });
  await world.pass(6);
  const due = await plan(world);
  expect(due).toMatchObject({ objects: 2, bytesNow: found.bytes });
  expect((await world.retain()).totals).toMatchObject({ deleted: 2, bytesFreed: found.bytes });
  expect(await plan(world)).toMatchObject({ objects: 0, bytes: 0, goneBy: null });
});

test('a plan tells when the next version expires', async () => {
  const world = await retentionWorld(server());
  world.classes.standard = { ...standard, versions: 1 };
  await world.protect('a', 'one');
  await world.protect('a', 'two');
  await world.pass(10);
  const { kept, nextExpiry } = await plan(world);
  expect(kept).toEqual({ head: 1, age: 1 });
  const days = ((nextExpiry?.getTime() ?? 0) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(19.9);
  expect(days).toBeLessThan(20.1);
});
