import { expect, test } from 'vitest';
import { usePostgres } from '../support/postgres.ts';
import { type RetentionWorld, retentionWorld } from './world.ts';

const server = usePostgres();

/** Stores manifests of these kinds, numbered from 1, as the writer records them. `C` a checkpoint of one part, `c` a first part. */
async function manifests(world: RetentionWorld, kinds: string): Promise<void> {
  for (const [index, kind] of [...kinds].entries()) {
    const number = index + 1;
    const key = `backup/manifests/${world.sourceId}/${String(number).padStart(12, '0')}`;
    const stored = await world.store.putSmallDocument({
      key,
      body: Buffer.from(`manifest ${number}`),
      lock: { mode: 'GOVERNANCE', days: 90 },
    });
    if (stored.kind !== 'stored') throw new Error('name taken');
    await world.catalog.rows(
      `insert into manifests (source_id, number, destination, kind, state, object_key, s3_version_id, length, sha256, row_count,
         is_last_part, lock_mode, retain_until)
       values ($1, $2, 'primary', $3, 'committed', $4, $5, 10, $6, 1, $7, 'GOVERNANCE', $8)`,
      [
        world.sourceId,
        number,
        kind === 'j' ? 'journal' : 'checkpoint',
        key,
        stored.versionId,
        Buffer.alloc(32, number),
        kind !== 'c',
        stored.lock.retainUntil,
      ],
    );
  }
}

async function left(world: RetentionWorld): Promise<{ rows: number[]; stored: number[] }> {
  const rows = await world.catalog.rows<{ number: number; state: string }>(
    'select number, state from manifests order by number',
  );
  const stored: number[] = [];
  for await (const { key } of world.store.listVersions('backup/manifests/'))
    stored.push(Number(key.slice(-12)));
  expect(rows.every(({ state }) => state === 'committed')).toBe(true);
  return { rows: rows.map(({ number }) => number), stored };
}

test('manifests before the last complete checkpoint but one go when their locks end, and no others', async () => {
  const world = await retentionWorld(server());
  //                      123456789
  await manifests(world, 'jjCjjcCjj' + 'Cj');
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 0 });
  await world.pass(91);
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 5, denied: 0 });
  expect(await left(world)).toEqual({ rows: [6, 7, 8, 9, 10, 11], stored: [6, 7, 8, 9, 10, 11] });
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 0 });
});

test('with one complete checkpoint none goes', async () => {
  const world = await retentionWorld(server());
  await manifests(world, 'jjcCjc');
  await world.pass(91);
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 0 });
  expect((await left(world)).rows).toHaveLength(6);
});

test('one that the bucket keeps for longer stays recorded, and one whose deletion was cut off is finished', async () => {
  const world = await retentionWorld(server());
  await manifests(world, 'jjCjC');
  await world.pass(91);
  const [first] = await world.store.versionsOf(`backup/manifests/${world.sourceId}/000000000001`);
  if (first === undefined) throw new Error('unreachable');
  world.store.relock(first, { mode: 'GOVERNANCE', retainUntil: new Date(Date.now() + 86_400_000) });
  world.knobs.fault = ({ operation, moment }) => {
    if (operation === 'deleteVersion' && moment === 'after') throw new Error('cut off');
  };
  await expect(world.retain()).rejects.toThrow('cut off');
  world.knobs.fault = () => {};
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 1, deferred: 1 });
  expect(await left(world)).toEqual({ rows: [1, 3, 4, 5], stored: [1, 3, 4, 5] });
});

test('none while a destination lacks one, and none of a destination without checkpoints of its own', async () => {
  const world = await retentionWorld(server());
  await manifests(world, 'jjCjC');
  await world.pass(91);
  await world.catalog.rows(
    `insert into manifests (source_id, number, destination, kind, state, object_key, length, sha256, row_count, lock_mode)
     select source_id, number, 'second', kind, 'missing', object_key, length, sha256, row_count, lock_mode from manifests where number = 2`,
  );
  const second = new Map([
    ...world.retention.destinations,
    ['second', { store: world.store, lockDays: 7 }] as const,
  ]);
  const run = () =>
    world.retain({
      destinations: second,
      openDeleting: async () =>
        new Map([
          ['primary', world.store],
          ['second', world.store],
        ]),
    });
  expect((await run()).totals).toMatchObject({ manifestsDeleted: 0 });
  await world.catalog.rows(
    `update manifests m set state = 'committed', s3_version_id = p.s3_version_id, retain_until = p.retain_until
     from manifests p where m.state = 'missing' and p.number = m.number and p.destination = 'primary'`,
  );
  expect((await run()).totals).toMatchObject({ manifestsDeleted: 2 });
  const rows = await world.catalog.rows(`select number from manifests where destination = 'second'`);
  expect(rows).toEqual([{ number: 2 }]);
});

test('none of a paused source', async () => {
  const world = await retentionWorld(server());
  await manifests(world, 'jjCjC');
  await world.pass(91);
  await world.catalog.rows(
    `insert into retention_sources (source_id, paused_at, pinned_at) values ($1, now(), now())`,
    [world.sourceId],
  );
  expect((await world.retain()).totals).toMatchObject({ manifestsDeleted: 0, paused: 1 });
  expect((await left(world)).rows).toHaveLength(5);
});
