import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { protectBatch } from '../../workflows/protect-batch.ts';
import { attributesOf, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();

async function run(changes: Record<string, Handler>) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ giveUpBatch: () => undefined, ...changes });
  await runWorker(temporal(), taskQueue, steps.activities);
  const workflowId = `batch:${randomUUID()}`;
  const client = clientOf(temporal());
  await client.workflow.execute<typeof protectBatch>('protectBatch', {
    workflowId,
    taskQueue,
    args: [{ batchId: 'b', retry: { maxRetries: 1, retryDelayMs: 1 } }],
  });
  return { ...steps, handle: client.workflow.getHandle(workflowId) };
}

test('a batch is one activity, told only the id', async () => {
  const { calls } = await run({ protectBatch: () => ({ next: 'batched' }) });
  expect(calls).toEqual([{ name: 'protectBatch', input: { batchId: 'b' }, local: false }]);
});

test('it waits for what it needs, and for its turn, and goes on', async () => {
  const { names } = await run({
    protectBatch: (_, count) =>
      [{ next: 'unavailable', dependency: 's3' }, { next: 'busy' }, { next: 'batched' }][count - 1],
  });
  expect(names()).toEqual(['protectBatch', 'awaitDependency', 'protectBatch', 'protectBatch']);
});

test('an error is tried again, and then every file goes its own way', async () => {
  const { names } = await run({
    protectBatch: () => {
      throw ApplicationFailure.create({ message: 'planted_object', type: 'planted_object' });
    },
  });
  expect(names()).toEqual(['protectBatch', 'protectBatch', 'giveUpBatch']);
});

test('it can be found by the worst of its files', async () => {
  const { handle } = await run({
    protectBatch: () => ({ next: 'batched', outcome: 'vanished', policyRevision: 'p' }),
  });
  expect(await attributesOf(handle)).toEqual({ Outcome: 'vanished', PolicyRevision: 'p' });
});
