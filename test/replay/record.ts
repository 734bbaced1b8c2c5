/**
 * Records the histories that test/replay replays: `node test/replay/record.ts`, on the Node of this project; with names
 * behind it only those.
 *
 * Run it when a workflow was changed on purpose and is not running anywhere; else guard the change with `patched`, so that
 * the histories here, like those of workflows that are open in the field, still replay. The activities are made up, the
 * server and the workflows are real; payloads are not encrypted, and stack traces are taken out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, type Workflow } from '@temporalio/common';
import { controlQueue } from '../../src/temporal/names.ts';
import type { digest } from '../../workflows/digest.ts';
import type { incident } from '../../workflows/incident.ts';
import {
  approveUpdate,
  changedSignal,
  incidentChangedSignal,
  rejectUpdate,
  resealUpdate,
  retainSignal,
} from '../../workflows/messages.ts';
import type { protectBatch } from '../../workflows/protect-batch.ts';
import type { protectFile } from '../../workflows/protect-file.ts';
import type { fillDestination } from '../../workflows/replicate.ts';
import type { rescanOnSchedule } from '../../workflows/rescan.ts';
import type { retainSource } from '../../workflows/retain-source.ts';
import type { sendNotification } from '../../workflows/send-notification.ts';
import type { stagingHold } from '../../workflows/staging-hold.ts';
import type { sweepOnSchedule } from '../../workflows/sweep-source.ts';
import type { verifyAudit } from '../../workflows/verify-audit.ts';
import type { verifySample } from '../../workflows/verify-sample.ts';
import { clientOf, startTemporal, startWorker, type TestTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps, openHold, uploadedAnswer } from '../workflows/steps.ts';
import { historyToText } from './history-file.ts';

const folder = join(import.meta.dirname, 'histories');
const wanted = new Set(process.argv.slice(2));
const large: Handler = (input) =>
  (input as { large?: boolean }).large ? { next: 'admit', versionId: 'v', large: true } : { next: 'large' };

interface Scene {
  readonly name: string;
  readonly steps: Record<string, Handler>;
  /** What happens to the workflow while `upload` runs for the first time. */
  readonly meanwhile?: (handle: WorkflowHandle) => Promise<void>;
}

const scenes: readonly Scene[] = [
  { name: 'small', steps: {} },
  { name: 'large', steps: { fingerprint: large } },
  {
    name: 'held',
    steps: {
      sealAndUpload: () => ({
        next: 'settled',
        outcome: 'held',
        reason: 'no',
        versionId: 'v',
        holdId: 'recorded',
      }),
    },
  },
  {
    name: 'failed',
    steps: {
      scan: () => {
        throw ApplicationFailure.create({ message: 's3_corrupt', type: 's3_corrupt' });
      },
    },
  },
  {
    name: 'signalled',
    steps: { fingerprint: large },
    meanwhile: (handle) => handle.signal(changedSignal, { runId: 'second' }),
  },
  {
    name: 'postponed',
    steps: {
      fingerprint: (_input, calls) =>
        calls === 1 ? { next: 'busy' } : { next: 'admit', versionId: 'v', large: false },
      admit: (_input, calls) => (calls === 1 ? { next: 'unavailable', dependency: 'opa' } : { next: 'scan' }),
      scan: (_input, calls) => (calls === 1 ? { next: 'scanAgain', reason: 'timeout' } : { next: 'seal' }),
      sealAndUpload: (_input, calls) =>
        calls === 1 ? { next: 'wait' } : calls === 2 ? { next: 'changed' } : uploadedAnswer,
    },
  },
  {
    name: 'continued',
    steps: { fingerprint: large, upload: () => uploadedAnswer },
    meanwhile: async (handle) => {
      await handle.signal(changedSignal, { runId: 'again' });
    },
  },
];

interface HoldScene {
  readonly name: string;
  readonly steps?: Record<string, Handler>;
  /** What people do to the hold, one after the other. */
  readonly decisions: readonly (typeof approveUpdate | typeof rejectUpdate | 'reseal')[];
}

const holdScenes: readonly HoldScene[] = [
  { name: 'hold-approved', decisions: [approveUpdate] },
  { name: 'hold-rejected', decisions: [rejectUpdate] },
  {
    name: 'hold-expired',
    steps: {
      lookAtHold: (_input, calls) =>
        calls === 1 ? { ...openHold, remindInMs: 10 } : { ...openHold, expiresInMs: 10 },
    },
    decisions: [],
  },
  {
    name: 'hold-two-approvals',
    steps: {
      judgeAttempt: (_input, calls) =>
        calls === 1 ? { next: 'counted', approvals: 1, needed: 2 } : { next: 'enough' },
    },
    decisions: [approveUpdate, approveUpdate],
  },
  {
    name: 'hold-damaged',
    steps: {
      releaseHold: (_input, calls) =>
        calls === 1 ? { next: 'held', reason: 'staged_damaged' } : { next: 'released', outcome: 'uploaded' },
      resealHold: () => ({ next: 'resealed', hostQueue: 'files.hold-damaged' }),
    },
    decisions: [approveUpdate, 'reseal', approveUpdate],
  },
];

const temporal = await startTemporal();
try {
  mkdirSync(folder, { recursive: true });
  const client = clientOf(temporal);
  for (const scene of scenes) await recordProtectFile(temporal, client, scene);
  for (const scene of holdScenes) await recordStagingHold(temporal, client, scene);
  await recordVerifySample(temporal, client);
  await recordVerifyAudit(temporal, client);
  await recordFilling(temporal, client);
  await recordSweep(temporal, client);
  await recordRescan(temporal, client);
  await recordBatch(temporal, client);
  await recordRetention(temporal, client);
  await recordBreach(temporal, client);
} finally {
  await temporal.env.teardown();
}

async function recordProtectFile(on: TestTemporal, client: Client, scene: Scene): Promise<void> {
  const taskQueue = `files.${scene.name}`;
  const retry = { maxRetries: 1, retryDelayMs: 10 };
  let started = (_handle: WorkflowHandle): void => {};
  const handle = new Promise<WorkflowHandle>((resolve) => {
    started = resolve;
  });
  const upload: Handler = async (_input, calls) => {
    if (calls === 1 || scene.name === 'continued') await scene.meanwhile?.(await handle);
    return uploadedAnswer;
  };
  const steps = madeUpSteps({ ...scene.steps, upload: countedTo(6, upload) });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const run = await client.workflow.signalWithStart<typeof protectFile, [{ runId: string }]>('protectFile', {
    workflowId: `protect:${scene.name}`,
    taskQueue,
    args: [{ entryId: 'e', runId: 'first', retry, hostQueue: taskQueue }],
    signal: changedSignal,
    signalArgs: [{ runId: 'first' }],
  });
  started(run);
  await run.result().catch(() => undefined);
  await save(scene.name, client.workflow.getHandle(run.workflowId, run.signaledRunId));
  await stop();
}

/** The step as it is for its first calls, and without anything happening meanwhile from then on. */
function countedTo(most: number, step: Handler): Handler {
  return (input, calls) => (calls < most ? step(input, calls) : uploadedAnswer);
}

async function recordStagingHold(on: TestTemporal, client: Client, scene: HoldScene): Promise<void> {
  const taskQueue = `files.${scene.name}`;
  const steps = madeUpSteps(scene.steps);
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof stagingHold>('stagingHold', {
    workflowId: `hold:${scene.name}`,
    taskQueue,
    args: [{ holdId: 'h', hostQueue: taskQueue }],
  });
  for (const [position, decision] of scene.decisions.entries()) {
    const id = String(position + 1).repeat(32);
    if (decision === 'reseal') await handle.executeUpdate(resealUpdate, { args: [{ runId: id }] });
    else await handle.executeUpdate(decision, { args: [{ attemptId: id }] });
  }
  await handle.result();
  await save(scene.name, handle);
  await stop();
}

async function recordFilling(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.fill';
  const counts = { copied: 1, denied: 0, deferred: 0, manifests: 0 };
  const copySlice: Handler = (_input, calls) =>
    calls === 1
      ? { next: 'unavailable', dependency: 's3:second' }
      : { next: 'copied', ...counts, isDone: calls > 2 };
  const steps = madeUpSteps({ copySlice });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof fillDestination>('fillDestination', {
    workflowId: 'fill:second',
    taskQueue,
    args: [{ destination: 'second', sliceMs: 60_000 }],
  });
  await handle.result();
  await save('fill-destination', handle);
  await stop();
}

async function recordVerifySample(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.verify';
  const verified = { next: 'verified', checked: 5, read: 1, mismatches: 0, repaired: 0, complete: true };
  const steps = madeUpSteps({
    verifySlice: (_input, calls) =>
      calls === 1 ? { next: 'unavailable', dependency: 's3' } : calls === 2 ? { next: 'busy' } : verified,
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof verifySample>('verifySample', {
    workflowId: 'verify-sample',
    taskQueue,
    args: [{ sample: 0.05, readSample: 0.01, sliceMs: 60_000 }],
  });
  await handle.result();
  await save('verify-sample', handle);
  await stop();
}

async function recordVerifyAudit(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.audit';
  const verified = { next: 'verified', events: 50, heads: 3, anchors: 1, breaches: 0 };
  const steps = madeUpSteps({
    verifyAuditTrail: (_input, calls) =>
      calls === 1 ? { next: 'unavailable', dependency: 's3' } : calls === 2 ? { next: 'busy' } : verified,
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof verifyAudit>('verifyAudit', {
    workflowId: 'verify-audit',
    taskQueue,
  });
  await handle.result();
  await save('verify-audit', handle);
  await stop();
}

async function recordSweep(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.sweep';
  const steps = madeUpSteps({
    sweepSource: (_input, calls) =>
      calls === 1 ? { next: 'unavailable', dependency: 'postgres' } : { next: 'swept', result: 'complete' },
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const retry = { maxRetries: 1, retryDelayMs: 10 };
  const handle = await client.workflow.start<typeof sweepOnSchedule>('sweepOnSchedule', {
    workflowId: 'sweep-schedule:s',
    taskQueue,
    args: [{ sourceId: 's', actor: 'holdfast', confirmsDeletions: false, retry }],
  });
  await handle.result();
  await save('sweep-scheduled', handle);
  await save('sweep', client.workflow.getHandle('sweep:s'));
  await stop();
}

async function recordBatch(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.batch';
  const steps = madeUpSteps({
    protectBatch: (_input, calls) => {
      if (calls === 1) return { next: 'unavailable', dependency: 's3' };
      if (calls === 2) return { next: 'busy' };
      if (calls > 3) return { next: 'batched', outcome: 'uploaded', policyRevision: 'r' };
      throw ApplicationFailure.create({ message: 'planted_object', type: 'planted_object' });
    },
    giveUpBatch: () => undefined,
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  for (const name of ['batch', 'batch-done']) {
    const handle = await client.workflow.start<typeof protectBatch>('protectBatch', {
      workflowId: `batch:${name}`,
      taskQueue,
      args: [{ batchId: 'b', retry: { maxRetries: 0, retryDelayMs: 10 } }],
    });
    await handle.result();
    await save(name, handle);
  }
  await stop();
}

async function recordRescan(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.rescan';
  const slice = {
    next: 'rescanned',
    rescanned: 5,
    bytes: 9,
    clean: 5,
    infected: 0,
    notScanned: 0,
    unreadable: 0,
  };
  const steps = madeUpSteps({
    rescanSlice: (_input, calls) =>
      calls === 1 ? { next: 'unavailable', dependency: 'clamd' } : { ...slice, isDone: calls === 3 },
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof rescanOnSchedule>('rescanOnSchedule', {
    workflowId: 'rescan-schedule',
    taskQueue,
    args: [{ actor: 'holdfast' }],
  });
  await handle.result();
  await save('rescan-scheduled', handle);
  await save('rescan', client.workflow.getHandle('rescan'));
  await stop();
}

/** Both histories of a retention that is ended: one that continued as new in the middle of a run, and the one after it. */
async function recordRetention(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.retention';
  const more = { next: 'more', progress: { phase: 'objects', after: 'o', totals: {} } };
  const steps = madeUpSteps({
    retainSlice: (_input, calls) => {
      if (calls === 1) return { next: 'busy' };
      if (calls === 2) return { next: 'unavailable', dependency: 'opa' };
      if (calls === 55) throw ApplicationFailure.nonRetryable('clock_skew', 'clock_skew');
      return calls < 54 ? more : { next: 'retained', result: 'complete' };
    },
    recordRetentionFailure: () => undefined,
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof retainSource>('retainSource', {
    workflowId: 'retain:s',
    taskQueue,
    args: [{ sourceId: 's', everyMs: 86_400_000, sliceMs: 60_000 }],
  });
  for (const runId of ['first', 'second']) await handle.signal(retainSignal, { runId, actor: 'officer' });
  while (!steps.names().includes('recordRetentionFailure')) await setTimeout(50);
  const last = client.workflow.getHandle('retain:s');
  await last.terminate();
  await save('retain-continued', client.workflow.getHandle('retain:s', handle.firstExecutionRunId));
  await save('retain-source', last);
  await stop();
}

/** An incident that is told, warned of, notified and closed; a message that is sent at the second try; a digest. */
async function recordBreach(on: TestTemporal, client: Client): Promise<void> {
  const taskQueue = 'files.breach';
  const standing = { next: 'standing', state: 'open', dueInMs: 10 };
  const steps = madeUpSteps({
    lookAtIncident: (_input, calls) => {
      if (calls === 1) return { next: 'unavailable', dependency: 'postgres' };
      if (calls < 4) return standing;
      return { ...standing, dueInMs: null, state: calls < 5 ? 'notified' : 'closed' };
    },
    deliverNotification: (_input, calls) => ({ next: 'delivered', state: calls === 1 ? 'waiting' : 'sent' }),
    writeDigest: () => ({ next: 'written' }),
  });
  const stop = await startWorker(on, taskQueue, steps.activities, { bundle: on.real });
  const stopControl = await startWorker(on, controlQueue, steps.activities, { bundle: on.real });
  const handle = await client.workflow.start<typeof incident>('incident', {
    ...{ workflowId: 'incident:i', taskQueue, args: [{ incidentId: 'i' }] },
  });
  while (steps.names().filter((name) => name === 'lookAtIncident').length < 4) await setTimeout(50);
  await handle.signal(incidentChangedSignal);
  await handle.result();
  await save('incident', handle);
  const sent = await client.workflow.start<typeof sendNotification>('sendNotification', {
    ...{ workflowId: 'notification:n', taskQueue, args: [{ notificationId: 'n' }] },
  });
  await sent.result();
  await save('send-notification', sent);
  const told = await client.workflow.start<typeof digest>('digest', { workflowId: 'digest', taskQueue });
  await told.result();
  await save('digest', told);
  await stop();
  await stopControl();
}

async function save(name: string, handle: WorkflowHandle<Workflow>): Promise<void> {
  if (wanted.size > 0 && !wanted.has(name)) return;
  writeFileSync(join(folder, `${name}.json`), historyToText(await handle.fetchHistory()));
}
