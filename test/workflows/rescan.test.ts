import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { RescanInput, rescanContents, rescanOnSchedule } from '../../workflows/rescan.ts';
import { attributesOf, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();
const slice = {
  next: 'rescanned',
  rescanned: 5,
  bytes: 9,
  clean: 5,
  infected: 0,
  notScanned: 0,
  unreadable: 0,
};

async function start(rescanSlice: Handler, input: RescanInput = { actor: 'me' }) {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ rescanSlice });
  await runWorker(temporal(), taskQueue, steps.activities);
  const handle = await clientOf(temporal()).workflow.start<typeof rescanContents>('rescanContents', {
    workflowId: `rescan-${randomUUID()}`,
    taskQueue,
    args: [input],
  });
  return { handle, steps };
}

test('goes on slice by slice as one run, and waits for what is away', async () => {
  const { handle, steps } = await start(
    (_input, calls) =>
      calls === 1
        ? { next: 'unavailable', dependency: 'clamd' }
        : calls === 2
          ? { next: 'busy' }
          : { ...slice, isDone: calls === 5 },
    { actor: 'me', sourceId: 's', limit: 3 },
  );
  expect(await handle.result()).toEqual({ ...slice, isDone: true });
  expect(steps.names()).toEqual(['rescanSlice', 'awaitDependency', ...Array(4).fill('rescanSlice')]);
  const runId = handle.firstExecutionRunId.replaceAll('-', '');
  for (const { name, input } of steps.calls) {
    if (name === 'rescanSlice')
      expect(input).toEqual({ actor: 'me', sourceId: 's', limit: 3, runId, sliceMs: 600_000 });
  }
});

test('takes the run id that a command drew', async () => {
  const { handle, steps } = await start(() => ({ ...slice, isDone: true }), { actor: 'me', runId: 'drawn' });
  await handle.result();
  expect(steps.calls[0]?.input).toMatchObject({ runId: 'drawn' });
});

test('by a schedule it can be found by its run, and says what it is', async () => {
  const taskQueue = `files.${randomUUID()}`;
  const steps = madeUpSteps({ rescanSlice: () => ({ ...slice, isDone: true }) });
  await runWorker(temporal(), taskQueue, steps.activities);
  const { workflow } = clientOf(temporal());
  const scheduled = await workflow.start<typeof rescanOnSchedule>('rescanOnSchedule', {
    ...{ workflowId: `rescan-schedule-${randomUUID()}`, taskQueue, args: [{ actor: 'holdfast' }] },
  });
  await scheduled.result();
  const run = steps.calls[0]?.input.runId;
  const handle = workflow.getHandle('rescan');
  expect(await attributesOf(handle)).toEqual({ Run: run });
  const { staticSummary } = await handle.describe();
  expect(await staticSummary()).toBe(`rescan of all stored content, run ${run}`);
});
