import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { Config } from '../../src/config.ts';
import { keepWaiting } from '../../src/holds/keep-waiting.ts';
import { scheduleDigest } from '../../src/notify/schedule.ts';
import { startWaiting } from '../../src/notify/start.ts';
import { startFilling } from '../../src/replicate/start.ts';
import { startRetention } from '../../src/retention/start.ts';
import { digestScheduleId } from '../../src/temporal/names.ts';
import * as workflows from '../../workflows/index.ts';
import { attributesOf, clientOf, useTemporal } from '../support/temporal.ts';

/**
 * What the Web UI says of workflows that are about no single file. Of those that are: test/workflows; of all that a real
 * installation starts: test/e2e/sweep.test.ts.
 */
const temporal = useTemporal();
const client = () => clientOf(temporal());
const newId = (): string => randomUUID().replaceAll('-', '');

/** A catalog that has these rows, for whoever asks one question; with a table, for whoever asks for something of it. */
const catalogWith = (row: object, table = ''): Catalog =>
  ({
    rows: async (text: string) => (!text.startsWith('update') && text.includes(table) ? [row] : []),
  }) as unknown as Catalog;

async function told(workflowId: string) {
  const handle: WorkflowHandle = client().workflow.getHandle(workflowId);
  onTestFinished(async () => void (await handle.terminate().catch(() => {})));
  const { staticSummary, staticDetails } = await handle.describe();
  return {
    found: await attributesOf(handle),
    summary: await staticSummary(),
    details: await staticDetails(),
  };
}

test('an incident by its kind, its source and its run', async () => {
  const [id, runId] = [newId(), newId()];
  const kind = 'audit_gap';
  const catalog = catalogWith({ id, kind, source: 'documents', runId }, 'from incidents');
  await startWaiting({ catalog, client: client(), taskQueue: 'files.none' }, 'new');
  expect(await told(`incident:${id}`)).toEqual({
    found: { Source: 'documents', Run: runId, Reason: kind },
    summary: `incident ${kind}, source documents, run ${runId}`,
    details: expect.stringContaining(`holdfast incident show ${id}`),
  });
});

test('a message by its topic', async () => {
  const id = newId();
  const catalog = catalogWith({ id, topic: 'hold_opened', channel: 'mail' }, 'from notifications');
  await startWaiting({ catalog, client: client(), taskQueue: 'files.none' }, 'new');
  expect(await told(`notification:${id}`)).toMatchObject({
    found: { Reason: 'hold_opened' },
    summary: 'message hold_opened through mail',
  });
});

test('the retention of a source by its name', async () => {
  const id = newId();
  const config = { host: { id: 'h', group: 'g' }, sources: [] } as unknown as Config;
  await startRetention(client(), config, { id, name: 'documents' });
  expect(await told(`retain:${id}`)).toMatchObject({
    found: { Source: 'documents' },
    summary: 'retention of source documents',
  });
});

test('the filling of a destination by its name', async () => {
  const destination = `d${newId()}`;
  await startFilling(
    { catalog: catalogWith({ destination }), client: client() },
    [destination],
    'files.none',
  );
  expect(await told(`fill:${destination}`)).toMatchObject({
    found: { Destination: [destination] },
    summary: `copies to destination ${destination}`,
  });
});

test('a held file whose workflow was lost by its source and its run', async () => {
  const [id, runId] = [newId(), newId()];
  const catalog = catalogWith({ id, hostId: 'h', runId, at: '', openedAt: new Date() });
  let pages = 0;
  const once = { rows: async () => (pages++ === 0 ? catalog.rows('select', []) : []) } as unknown as Catalog;
  await keepWaiting(once, client(), 'files.none', ['documents']);
  expect(await told(`hold:${id}`)).toEqual({
    found: { Source: 'documents', Run: runId },
    summary: `held file of source documents, run ${runId}`,
    details: expect.stringContaining(`holdfast hold show ${id}`),
  });
});

test('what a schedule starts says what it is', async () => {
  const notifications = { digest: { every: 'day', at: 420 }, channels: [{}] };
  const config = { host: { id: 'h', group: 'g' }, sources: [], notifications, timezone: 'Africa/Douala' };
  await scheduleDigest(client(), config as unknown as Config);
  const schedule = client().schedule.getHandle(digestScheduleId);
  onTestFinished(() => schedule.delete());
  const { action } = await schedule.describe();
  expect(action).toMatchObject({ staticSummary: 'digest of what happened since the last one' });
});

test('there is no workflow of which none of these tests tells', () => {
  expect(Object.keys(workflows).sort()).toEqual([
    'digest',
    'fillDestination',
    'incident',
    'protectBatch',
    'protectFile',
    'rescanContents',
    'rescanOnSchedule',
    'retainSource',
    'sendNotification',
    'stagingHold',
    'sweepOnSchedule',
    'sweepSource',
    'verifyAudit',
    'verifySample',
  ]);
});
