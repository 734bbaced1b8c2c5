import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test, vi } from 'vitest';
import { retainSignal } from '../../workflows/messages.ts';
import type { RetainInput, retainSource } from '../../workflows/retain-source.ts';
import { startAttributes } from '../../workflows/search-attributes.ts';
import { attributesOf, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const retained = { next: 'retained', result: 'complete' };

/** The workflow with its timers as they are: nothing begins by itself within a test. */
async function start(retainSlice: Handler, more: Record<string, Handler> = {}) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ retainSlice, recordRetentionFailure: () => undefined, ...more });
  await runWorker(temporal(), taskQueue, steps.activities, { bundle: temporal().real });
  const input: RetainInput = { sourceId: 's', everyMs: 86_400_000, sliceMs: 60_000 };
  const handle = await clientOf(temporal()).workflow.start<typeof retainSource>('retainSource', {
    workflowId: `retain:${randomUUID()}`,
    taskQueue,
    args: [input],
    typedSearchAttributes: startAttributes({ source: 'documents' }),
  });
  const until = async (calls: number) => {
    for (let asked = 0; asked < 1_000; asked++) {
      if (steps.calls.length >= calls) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`only ${steps.names().join(', ')}`);
  };
  const found = (attributes: Record<string, string>) =>
    vi.waitFor(async () => expect(await attributesOf(handle)).toEqual(attributes), 10_000);
  return { handle, steps, until, found };
}

test('a run that is asked for goes through its slices, each from where the last one ended', async () => {
  const progress = { phase: 'objects', after: 'o1', totals: {} };
  const { handle, steps, until } = await start((_input, calls) =>
    calls === 1 ? { next: 'more', progress } : calls === 2 ? { next: 'busy' } : retained,
  );
  await handle.signal(retainSignal, { runId: 'r1', actor: 'officer' });
  await until(3);
  const asked = { runId: 'r1', actor: 'officer', sourceId: 's', sliceMs: 60_000 };
  expect(steps.calls.map(({ name, input }) => [name, input])).toEqual([
    ['retainSlice', asked],
    ['retainSlice', { ...asked, progress }],
    ['retainSlice', { ...asked, progress }],
  ]);
  await handle.terminate();
});

test('two that are asked for are done one after the other', async () => {
  const { handle, steps, until } = await start(() => retained);
  await handle.signal(retainSignal, { runId: 'r1', actor: 'a' });
  await handle.signal(retainSignal, { runId: 'r2', actor: 'b' });
  await until(2);
  expect(steps.calls.map(({ input }) => input.runId)).toEqual(['r1', 'r2']);
  await handle.terminate();
});

test('it waits for what is away, and goes on as the same run', async () => {
  const { handle, steps, until } = await start((_input, calls) =>
    calls === 1 ? { next: 'unavailable', dependency: 'opa' } : retained,
  );
  await handle.signal(retainSignal, { runId: 'r1', actor: 'a' });
  await until(3);
  expect(steps.names()).toEqual(['retainSlice', 'awaitDependency', 'retainSlice']);
  await handle.terminate();
});

test('a run that cannot go on is recorded as failed, and the next one begins all the same', async () => {
  const { handle, steps, until, found } = await start((_input, calls) => {
    if (calls === 1) throw ApplicationFailure.nonRetryable('clock_skew', 'clock_skew');
    return retained;
  });
  await handle.signal(retainSignal, { runId: 'r1', actor: 'a' });
  await until(2);
  await found({ Source: 'documents', Run: 'r1', Outcome: 'failed', Reason: 'clock_skew' });
  expect(steps.calls[1]).toMatchObject({
    name: 'recordRetentionFailure',
    input: { sourceId: 's', runId: 'r1', actor: 'a', code: 'clock_skew' },
  });
  await handle.signal(retainSignal, { runId: 'r2', actor: 'a' });
  await until(3);
  expect(steps.calls[2]?.input.runId).toBe('r2');
  await found({ Source: 'documents', Run: 'r2' });
  await handle.terminate();
});

test('after fifty slices it continues as new, in the middle of a run, and forgets nothing that was asked', async () => {
  const { handle, steps, until } = await start((_input, calls) =>
    calls < 55 ? { next: 'more', progress: { phase: 'objects', after: `o${calls}`, totals: {} } } : retained,
  );
  await handle.signal(retainSignal, { runId: 'r1', actor: 'a' });
  await handle.signal(retainSignal, { runId: 'r2', actor: 'b' });
  await until(56);
  expect(steps.calls[54]?.input).toMatchObject({ runId: 'r1', progress: { after: 'o54' } });
  expect(steps.calls[55]?.input).toMatchObject({ runId: 'r2', actor: 'b' });
  const now = clientOf(temporal()).workflow.getHandle(handle.workflowId);
  expect((await now.describe()).runId).not.toBe(handle.firstExecutionRunId);
  // Its static summary is gone with the first one.
  expect(await now.query('__temporal_workflow_metadata')).toMatchObject({
    currentDetails: expect.stringContaining('retention of source documents'),
  });
  await now.terminate();
}, 20_000);

test('every day a run begins by itself', async () => {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ retainSlice: () => retained });
  // Timers of this bundle fire at once.
  await runWorker(temporal(), taskQueue, steps.activities);
  const handle = await clientOf(temporal()).workflow.start<typeof retainSource>('retainSource', {
    workflowId: `retain:${randomUUID()}`,
    taskQueue,
    args: [{ sourceId: 's', everyMs: 86_400_000, sliceMs: 60_000 }],
  });
  for (let asked = 0; asked < 1_000 && steps.calls.length < 2; asked++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await handle.terminate();
  const [first, second] = steps.calls.map(({ input }) => input);
  expect(first).toMatchObject({ actor: 'holdfast', sourceId: 's' });
  expect(first?.runId).toMatch(/^[0-9a-f]{32}$/);
  expect(second?.runId).not.toBe(first?.runId);
});
