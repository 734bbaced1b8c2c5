import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { fillDestination } from '../../workflows/replicate.ts';
import { activityNames, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const copied = { next: 'copied', copied: 1, denied: 0, deferred: 0, manifests: 0 };

async function start(copySlice: Handler) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ copySlice });
  await runWorker(temporal(), taskQueue, steps.activities);
  const handle = await clientOf(temporal()).workflow.start<typeof fillDestination>('fillDestination', {
    workflowId: `fill:${randomUUID()}`,
    taskQueue,
    args: [{ destination: 'second', sliceMs: 60_000 }],
  });
  return { handle, steps };
}

test('slice by slice until nothing is left that can be copied now', async () => {
  const { handle, steps } = await start((_input, calls) => ({ ...copied, deferred: 1, isDone: calls === 3 }));
  await handle.result();
  expect(steps.names()).toEqual(['copySlice', 'copySlice', 'copySlice']);
});

test('waits for the destination that is away, and spends no attempt', async () => {
  const { handle, steps } = await start((_input, calls) =>
    calls === 1 ? { next: 'unavailable', dependency: 's3:second' } : { ...copied, isDone: true },
  );
  await handle.result();
  expect(steps.names()).toEqual(['copySlice', 'awaitDependency', 'copySlice']);
});

test('a slice that died is tried again', async () => {
  const { handle } = await start((_input, calls) => {
    if (calls === 1) throw ApplicationFailure.create({ message: 'internal', type: 'internal' });
    return { ...copied, isDone: true };
  });
  await handle.result();
  expect(await activityNames(handle)).toEqual(['copySlice']);
});

test('goes on in a new run before its history grows long', async () => {
  const { handle, steps } = await start((_input, calls) => ({ ...copied, isDone: calls === 52 }));
  await handle.result();
  expect(steps.names()).toHaveLength(52);
  const [, ...runs] = await activityNames(handle);
  expect(runs.length).toBeLessThan(50);
});
