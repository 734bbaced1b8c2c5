import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { VerifySampleInput, verifySample } from '../../workflows/verify-sample.ts';
import { activityNames, attributesOf, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const verified = { next: 'verified', checked: 5, read: 1, mismatches: 0, repaired: 0, complete: true };

async function start(verifySlice: Handler, more: Record<string, Handler> = {}) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ verifySlice, ...more });
  await runWorker(temporal(), taskQueue, steps.activities);
  const input: VerifySampleInput = { sample: 0.05, readSample: 0.01, sliceMs: 60_000 };
  const handle = await clientOf(temporal()).workflow.start<typeof verifySample>('verifySample', {
    workflowId: `verify-sample-${randomUUID()}`,
    taskQueue,
    args: [input],
  });
  return { handle, steps };
}

test('verifies one sample, under one run id of 32 hex digits', async () => {
  const { handle, steps } = await start(() => verified);
  expect(await handle.result()).toEqual(verified);
  const runId = handle.firstExecutionRunId.replaceAll('-', '');
  expect(runId).toMatch(/^[0-9a-f]{32}$/);
  expect(steps.calls).toEqual([
    {
      name: 'verifySlice',
      local: false,
      input: { sample: 0.05, readSample: 0.01, sliceMs: 60_000, runId },
    },
  ]);
  expect(await attributesOf(handle)).toEqual({ Run: runId });
});

test('waits for a service that is away, and goes on as the same run', async () => {
  const { handle, steps } = await start((_input, calls) =>
    calls === 1
      ? { next: 'unavailable', dependency: 's3:primary' }
      : calls === 2
        ? { next: 'busy' }
        : verified,
  );
  expect(await handle.result()).toEqual(verified);
  expect(steps.names()).toEqual(['verifySlice', 'awaitDependency', 'verifySlice', 'verifySlice']);
  const runs = steps.calls.filter(({ name }) => name === 'verifySlice').map(({ input }) => input.runId);
  expect(new Set(runs).size).toBe(1);
});

test('a try that died is tried again as the same run', async () => {
  const { handle, steps } = await start((_input, calls) => {
    if (calls === 1) throw ApplicationFailure.create({ message: 'interrupted', type: 'interrupted' });
    return verified;
  });
  expect(await handle.result()).toEqual(verified);
  expect(new Set(steps.calls.map(({ input }) => input.runId)).size).toBe(1);
});

test('what nothing can be done about fails the run, for all to see in Temporal', async () => {
  const { handle } = await start(() => {
    throw ApplicationFailure.nonRetryable('bucket_missing', 'bucket_missing');
  });
  await expect(handle.result()).rejects.toMatchObject({
    cause: { cause: { type: 'bucket_missing' } },
  });
  expect(await activityNames(handle)).toEqual(['verifySlice']);
});
