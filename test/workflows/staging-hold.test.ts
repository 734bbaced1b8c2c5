import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { stagingHold } from '../../workflows/staging-hold.ts';
import { clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps } from './steps.ts';

const temporal = useTemporal();

async function start(inspectHold: Handler) {
  const taskQueue = `files.${randomUUID()}`;
  const hostQueue = `host.${randomUUID()}`;
  const onHost = madeUpSteps({ inspectHold });
  const elsewhere = madeUpSteps();
  await runWorker(temporal(), taskQueue, elsewhere.activities);
  await runWorker(temporal(), hostQueue, onHost.activities);
  const handle = await clientOf(temporal()).workflow.start<typeof stagingHold>('stagingHold', {
    workflowId: `hold:${randomUUID()}`,
    taskQueue,
    args: [{ holdId: 'h', hostQueue }],
  });
  return { handle, onHost, elsewhere };
}

test('looks at the staged bytes on the host that keeps them, until the hold is decided', async () => {
  const { handle, onHost, elsewhere } = await start((_input, calls) => (calls < 4 ? 'open' : 'approved'));
  expect(await handle.result()).toBe('approved');
  expect(onHost.calls).toHaveLength(4);
  expect(onHost.calls[0]).toEqual({ name: 'inspectHold', local: false, input: { holdId: 'h' } });
  expect(elsewhere.calls).toEqual([]);
});

test('stays open while the staged bytes are damaged: somebody has to decide that', async () => {
  const { handle, onHost } = await start((_input, calls) => (calls < 4 ? 'damaged' : 'rejected'));
  expect(await handle.result()).toBe('rejected');
  expect(onHost.calls).toHaveLength(4);
});

test('goes on in a new run every thirty days, so that its history stays short', async () => {
  const { handle, onHost } = await start((_input, calls) => (calls < 75 ? 'open' : 'expired'));
  expect(await handle.result()).toBe('expired');
  expect(onHost.calls).toHaveLength(75);
  const first = clientOf(temporal()).workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  const { events } = await first.fetchHistory();
  const inspected = events?.filter((event) => event.activityTaskScheduledEventAttributes);
  expect(inspected).toHaveLength(30);
  expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
});
