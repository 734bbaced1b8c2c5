import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { sweepOnSchedule, sweepSource } from '../../workflows/sweep-source.ts';
import { attributesOf, bundle, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const swept = { next: 'swept', result: 'complete' };

async function prepare(handler: Handler, choices = {}) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ sweepSource: handler });
  await runWorker(temporal(), taskQueue, steps.activities, choices);
  const sourceId = randomUUID();
  const input = {
    sourceId,
    actor: 'holdfast',
    confirmsDeletions: false,
    retry: { maxRetries: 1, retryDelayMs: 1 },
  };
  const start = <Workflow extends typeof sweepSource | typeof sweepOnSchedule>(
    type: string,
    workflowId: string,
  ) => clientOf(temporal()).workflow.start<Workflow>(type, { workflowId, taskQueue, args: [input] as never });
  return { ...steps, sourceId, start };
}

test('a sweep is one activity, with a run of its own', async () => {
  const { start, calls, sourceId } = await prepare(() => swept);
  const handle = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  expect(await handle.result()).toBe('complete');
  expect(calls.map(({ name, local }) => [name, local])).toEqual([['sweepSource', false]]);
  expect(calls[0]?.input).toMatchObject({ sourceId, actor: 'holdfast', confirmsDeletions: false });
  expect(calls[0]?.input.runId).toBe(handle.firstExecutionRunId.replaceAll('-', ''));
});

test('it waits for what it needs, and then begins again under the same run', async () => {
  const { start, calls, sourceId, names } = await prepare((_, count) =>
    count === 1 ? { next: 'unavailable', dependency: 'postgres' } : swept,
  );
  const handle = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  expect(await handle.result()).toBe('complete');
  expect(names()).toEqual(['sweepSource', 'awaitDependency', 'sweepSource']);
  expect(calls[0]?.input.runId).toBe(calls[2]?.input.runId);
});

test('however many workers die under it, it goes on under the same run', async () => {
  // One try and one more are all that an error has.
  const { start, calls, sourceId } = await prepare(
    async (_, count) => {
      if (count <= 2) await setTimeout(2_000);
      return swept;
    },
    { bundle: await bundle(['short-heartbeats.ts']) },
  );
  const handle = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  expect(await handle.result()).toBe('complete');
  expect(calls).toHaveLength(3);
  expect(new Set(calls.map(({ input }) => input.runId)).size).toBe(1);
});

test('an error that stays ends it, and its run', async () => {
  const { start, calls, sourceId } = await prepare(() => {
    throw ApplicationFailure.create({ message: 'internal', type: 'internal' });
  });
  const handle = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  await expect(handle.result()).rejects.toThrow();
  expect(calls.map(({ name }) => name)).toEqual(['sweepSource', 'sweepSource', 'failSweep']);
  expect(calls[2]?.input).toEqual({ ...calls[0]?.input, code: 'internal' });
});

test('the schedule leaves a sweep that is under way alone', async () => {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { start, sourceId, names } = await prepare(async () => {
    await finished;
    return swept;
  });
  const byHand = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  const byClock = await start<typeof sweepOnSchedule>('sweepOnSchedule', `sweep-schedule:${sourceId}`);
  expect(await byClock.result()).toBe('under way already');
  finish();
  expect(await byHand.result()).toBe('complete');
  const next = await start<typeof sweepOnSchedule>('sweepOnSchedule', `sweep-schedule:${sourceId}`);
  expect(await next.result()).toBe('complete');
  expect(names()).toEqual(['sweepSource', 'sweepSource']);
});

test('a sweep can be found by its run and by the worst of its files', async () => {
  const { start, sourceId, calls } = await prepare(() => ({
    ...swept,
    outcome: 'held',
    policyRevision: 'p',
  }));
  await (await start<typeof sweepOnSchedule>('sweepOnSchedule', `sweep-schedule:${sourceId}`)).result();
  const handle = clientOf(temporal()).workflow.getHandle(`sweep:${sourceId}`);
  const run = calls[0]?.input.runId;
  expect(run).toMatch(/^[0-9a-f]{32}$/);
  expect(await attributesOf(handle)).toEqual({ Run: run, Outcome: 'held', PolicyRevision: 'p' });
  const { staticSummary, staticDetails } = await handle.describe();
  expect(await staticSummary()).toBe(`sweep of a source, run ${run}`);
  expect(await staticDetails()).toContain(encodeURIComponent(`HoldfastRun="${run}"`));
});

test('a sweep that ended in an error can be found by it', async () => {
  const { start, sourceId } = await prepare(() => {
    throw ApplicationFailure.nonRetryable('source_unavailable', 'source_unavailable');
  });
  const handle = await start<typeof sweepSource>('sweepSource', `sweep:${sourceId}`);
  await expect(handle.result()).rejects.toThrow();
  expect(await attributesOf(handle)).toMatchObject({ Outcome: 'failed', Reason: 'source_unavailable' });
});
