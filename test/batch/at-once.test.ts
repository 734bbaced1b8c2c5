import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { createBatchActivities } from '../../activities/batch.ts';
import { makeWorld } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { makeBatch, outcomes } from './batches.ts';

const server = usePostgres();

test('a process works on two batches at once, and on the next when one of them is done', async () => {
  const world = await makeWorld(server());
  const { scanner } = world.context;
  const scans: (() => void)[] = [];
  const context = world.another({
    scanner: {
      ...scanner,
      scanMany: async (contents) => {
        await new Promise<void>((resolve) => {
          scans.push(resolve);
        });
        return scanner.scanMany(contents);
      },
    },
  });
  const { protectBatch } = createBatchActivities(
    context,
    { packs: true, dispatcher: { start: async () => {} } },
    { stepTook: () => {} },
  );
  const names = ['a', 'b', 'c'];
  for (const name of names) world.write(name, `content of ${name}`);
  const running = names.map(async (name) => {
    const { batchId } = await makeBatch(world, [name]);
    return new MockActivityEnvironment().run(protectBatch, { batchId });
  });
  await expect.poll(() => scans.length).toBe(2);
  await sleep(300);
  expect(scans).toHaveLength(2);
  scans[0]?.();
  await expect.poll(() => scans.length).toBe(3);
  for (const go of scans) go();
  expect(await Promise.all(running)).toMatchObject(Array(3).fill({ next: 'batched' }));
  expect(await outcomes(world)).toEqual({ a: 'uploaded', b: 'uploaded', c: 'uploaded' });
});
