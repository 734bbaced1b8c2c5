import { expect, test } from 'vitest';
import { usageText } from '../../src/cli/commands/usage.ts';
import { readUsage } from '../../src/usage/usage.ts';
import { makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

async function protect(world: World, path: string, content: string): Promise<void> {
  world.write(path, content);
  await protectOnce(world.context, await world.entry(path), stepRun());
}

/** Bytes in the bucket, as it says itself. */
async function inBucket(world: World): Promise<number> {
  return (await world.versions()).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}

test('usage: files, versions, bytes read and stored, what is shared, and until when it is locked', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'one', 'the same content');
  await protect(world, 'two', 'the same content');
  await protect(world, 'changing', 'first');
  const withFirst = await inBucket(world);
  await protect(world, 'changing', 'then second');
  const stored = await inBucket(world);

  const { sources, destinations } = await readUsage(world.catalog, undefined);
  const lockedUntil = expect.any(Date);
  const [docs] = sources;
  expect(docs).toMatchObject({ source: 'docs', files: 3, versions: 4, readBytes: 2 * 16 + 5 + 11 });
  const [primary] = docs?.destinations ?? [];
  const olderBytes = withFirst - (await sizeOf(world, 'one'));
  expect(primary).toMatchObject({
    ...{ destination: 'primary', versions: 4, sharedVersions: 2, packedVersions: 0, lockedUntil },
    ...{ storedBytes: stored, savedBytes: await sizeOf(world, 'one'), olderBytes },
    ...{ unneededBytes: 0, freedNextBytes: 0 },
  });
  const untilMs = (primary?.lockedUntil?.getTime() ?? 0) - Date.now();
  expect(untilMs / 86_400_000).toBeGreaterThan(6.9);
  // One of the locks may end in the month before, at the end of a month.
  const months = primary?.months ?? [];
  expect(months.at(-1)?.month).toBe(primary?.lockedUntil?.toISOString().slice(0, 7));
  expect(months.reduce((sum, { storedBytes }) => sum + storedBytes, 0)).toBe(stored);
  expect(destinations).toEqual([{ destination: 'primary', objects: 3, bytes: stored, lockedUntil }]);
});

test('usage: what nothing needs any more, and what of it the next run frees', async () => {
  const world = await makeWorld(postgres());
  await protect(world, 'one', 'content');
  await protect(world, 'two', 'other content');
  const [one, two] = [await sizeOf(world, 'one'), await sizeOf(world, 'two')];
  await world.asOwner(
    `update placements set state = 'deleted'; update versions set reason = 'expired';
     update objects set unneeded_by = (select id from sources);
     update objects set retain_until = now() - interval '1 day' where length = ${one}`,
  );
  const usage = await readUsage(world.catalog, world.context.ids.source('docs'));
  expect(usage.sources[0]).toMatchObject({ files: 0, versions: 0, readBytes: 0 });
  expect(usage.sources[0]?.destinations[0]).toMatchObject({
    ...{ versions: 0, storedBytes: 0, lockedUntil: null, months: [] },
    ...{ unneededBytes: one + two, freedNextBytes: one },
  });
  expect(usage.destinations).toEqual([]);
  expect(usageText(usage)).toContain('go with the next run of retention');
});

test('usage: of a source that has nothing yet', async () => {
  const world = await makeWorld(postgres());
  const usage = await readUsage(world.catalog, undefined);
  expect(usage.sources).toEqual([{ source: 'docs', files: 0, versions: 0, readBytes: 0, destinations: [] }]);
  expect(usageText(usage)).toContain('Nothing is stored.');
});

/** Of what the newest version of a file rests on. Bytes. */
async function sizeOf(world: World, path: string): Promise<number> {
  const [row] = await world.catalog.rows<{ length: number }>(
    `select o.length from objects o join placements p on p.object_id = o.id join entries e on e.head_version_id = p.version_id
     where e.path = $1`,
    [Buffer.from(path)],
  );
  return row?.length ?? 0;
}
