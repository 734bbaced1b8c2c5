import { expect, test } from 'vitest';
import { recordFailure } from '../../src/pipeline/record-failure.ts';
import { denied, makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

/** Every kind of step told of a version, in any order. */
async function stepsOf(world: World, path: string): Promise<string[]> {
  const entry = await world.entry(path);
  const [head] = await world.catalog.rows<{ id: string }>(
    'select head_version_id as id from entries where id = $1',
    [entry.id],
  );
  return (await world.events(head?.id ?? '')).map(({ step }) => step);
}

test('what became of a file otherwise than by the nine steps is told: held, failed, gone', async () => {
  const world = await makeWorld(postgres());
  const protect = async (path: string) => protectOnce(world.context, await world.entry(path), stepRun());
  world.write('gone', 'content');
  await protect('gone');
  world.remove('gone');
  await protect('gone');
  expect(await stepsOf(world, 'gone')).toEqual(['tombstone']);
  world.knobs.release = denied('encryption');
  world.write('held', 'other content');
  await protect('held');
  expect(await stepsOf(world, 'held')).toEqual(expect.arrayContaining(['release', 'hold']));
  const unlucky = await world.entry('unlucky');
  const step = { entryId: unlucky.id, runId: 'run', round: 0, code: 'internal' };
  await recordFailure(world.context, step, stepRun());
  expect(await stepsOf(world, 'unlucky')).toEqual(['fail']);
  const told = await world.catalog.rows<{ actor: string; run: string; workflow: string; at: string }>(
    `select event ->> 'actor' as actor, event ->> 'run' as run, event ->> 'workflow' as workflow, event ->> 'at' as at
     from audit_events where event ->> 'step' in ('tombstone', 'hold', 'fail')`,
  );
  expect(told).toHaveLength(3);
  for (const event of told)
    expect(event).toMatchObject({
      ...{ actor: 'holdfast', run: 'run' },
      ...{ workflow: 'protect:test', at: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
});
