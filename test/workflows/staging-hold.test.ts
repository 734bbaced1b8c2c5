import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, onTestFinished, test } from 'vitest';
import { approveUpdate, rejectUpdate, resealUpdate, stateQuery } from '../../workflows/messages.ts';
import type { stagingHold } from '../../workflows/staging-hold.ts';
import { skipSignal } from '../support/skip-signal.ts';
import { attributesOf, clientOf, startWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps, openHold } from './steps.ts';

const temporal = useTemporal();
const dayMs = 86_400_000;
const anId = (): string => randomBytes(16).toString('hex');

interface Hold {
  /** Changes what stands in the catalog. */
  standing: typeof openHold;
}

/** A hold's workflow with production durations, in a time that the test skips; the steps of its host apart. */
async function start(changes: Record<string, Handler> = {}, options: { hostIsAway?: boolean } = {}) {
  const taskQueue = `files.${randomUUID()}`;
  const hostQueue = `host.${randomUUID()}`;
  const catalog: Hold = {
    standing: { ...openHold },
  };
  const steps = madeUpSteps({ lookAtHold: () => catalog.standing, ...changes });
  const onHost = madeUpSteps(changes);
  const bundle = await temporal().skipping();
  const startFiles = () =>
    startWorker(temporal(), taskQueue, steps.activities, { bundle, maxCachedWorkflows: 0 });
  const startHost = () => startWorker(temporal(), hostQueue, onHost.activities, { bundle });
  let stopFiles = await startFiles();
  onTestFinished(() => stopFiles());
  if (!options.hostIsAway) onTestFinished(await startHost());
  const handle = await clientOf(temporal()).workflow.start<typeof stagingHold>('stagingHold', {
    workflowId: `hold:${randomUUID()}`,
    taskQueue,
    // After this the server gives a task that a killed worker had taken to another.
    workflowTaskTimeout: '2s',
    args: [{ holdId: 'h', hostQueue }],
  });
  const timesCalled = async (who: typeof steps, name: string, times: number) => {
    const count = () => who.names().filter((each) => each === name).length;
    for (let tries = 0; count() < times && tries < 500; tries++) await sleep(10);
    expect([name, count()]).toEqual([name, times]);
  };
  return {
    handle,
    steps,
    onHost,
    catalog,
    startHost,
    timesCalled,
    async skip(ms: number) {
      catalog.standing.expiresInMs -= ms;
      await handle.signal(skipSignal, ms);
    },
    approve: (attemptId = anId()) => handle.executeUpdate(approveUpdate, { args: [{ attemptId }] }),
    reject: (attemptId = anId()) => handle.executeUpdate(rejectUpdate, { args: [{ attemptId }] }),
    reseal: () => handle.executeUpdate(resealUpdate, { args: [{ runId: anId() }] }),
    /** Ends the process that has the workflow, and starts another. */
    async killWorker() {
      await stopFiles();
      stopFiles = await startFiles();
    },
  };
}

describe('waiting', () => {
  test('reminds once a day of what the host finds in its staging folder, expires after 14 days, and keeps its history short', async () => {
    const { handle, steps, onHost, skip, timesCalled } = await start();
    await timesCalled(steps, 'lookAtHold', 1);
    for (let day = 1; day < 14; day++) {
      await skip(dayMs);
      await timesCalled(steps, 'remindOfHold', day);
      await timesCalled(steps, 'lookAtHold', day + 1);
    }
    expect(onHost.names().filter((name) => name === 'inspectHold')).toHaveLength(13);
    expect(steps.names()).not.toContain('inspectHold');
    await skip(dayMs);
    expect(await handle.result()).toBe('expired');
    expect(steps.calls.find(({ name }) => name === 'endHold')?.input).toEqual({ holdId: 'h', as: 'expired' });
    expect(onHost.names().at(-1)).toBe('dropStaged');
    expect(onHost.names()).not.toContain('releaseHold');

    // Its history stays short: it went on in a new run on the way.
    const first = clientOf(temporal()).workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    const { events } = await first.fetchHistory();
    expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
    expect(events?.length).toBeLessThan(300);
  }, 90_000);

  test('can be found as held, by its date, until it is decided, and then by what became of it', async () => {
    const { handle, steps, reject, timesCalled } = await start();
    const known = {
      ...{ Source: 'documents', Run: 'r', Classification: 'restricted' },
      ...{ Destination: ['primary'], PolicyRevision: 'p' },
    };
    await timesCalled(steps, 'lookAtHold', 1);
    const held = { ...known, Outcome: 'held', Reason: 'no', HoldUntil: new Date('2030-01-01T00:00:00Z') };
    await expect.poll(() => attributesOf(handle)).toEqual(held);
    await reject();
    await handle.result();
    expect(await attributesOf(handle)).toEqual({ ...known, Outcome: 'ignored', Reason: 'hold_rejected' });
  });

  test('one that has ended in the catalog ends here', async () => {
    const { handle, catalog, skip } = await start();
    catalog.standing.state = 'approved';
    await skip(dayMs);
    expect(await handle.result()).toBe('approved');
  });

  test('a host that does not answer is part of what is reminded of', async () => {
    const { handle, steps, skip, timesCalled } = await start({}, { hostIsAway: true });
    await timesCalled(steps, 'lookAtHold', 1);
    await skip(dayMs);
    await timesCalled(steps, 'remindOfHold', 1);
    const reminded = steps.calls.find(({ name }) => name === 'remindOfHold');
    expect(reminded?.input).toEqual({ holdId: 'h', staged: 'host_unavailable' });
    await handle.terminate();
  });
});

describe('deciding', () => {
  test('with enough approvals it is released on its host; whoever approved is told what became of it', async () => {
    const { handle, steps, onHost, approve } = await start();
    const attemptId = anId();
    expect(await approve(attemptId)).toEqual({ next: 'released', outcome: 'uploaded' });
    expect(await handle.result()).toBe('approved');
    const judged = steps.calls.find(({ name }) => name === 'judgeAttempt');
    expect(judged?.input).toEqual({ holdId: 'h', attemptId });
    expect(onHost.names()).toEqual(['releaseHold']);
  });

  test('what does not count is told, and the hold stays open', async () => {
    const answers = [
      { next: 'refused', code: 'approval_invalid' },
      { next: 'counted', approvals: 1, needed: 2 },
      { next: 'repeated', approvals: 1, needed: 2 },
    ];
    const { handle, approve, reject } = await start({
      judgeAttempt: (_input, calls) => answers[calls - 1] ?? { next: 'enough' },
    });
    for (const answer of answers) expect(await approve()).toEqual(answer);
    expect(await handle.query(stateQuery)).toBe('open');
    expect(await reject()).toEqual({ next: 'ended', state: 'rejected' });
    expect(await handle.result()).toBe('rejected');
  });

  test('a rejection ends it, and takes the staged bytes away', async () => {
    const { handle, steps, onHost, reject } = await start();
    const attemptId = anId();
    expect(await reject(attemptId)).toEqual({ next: 'ended', state: 'rejected' });
    expect(await handle.result()).toBe('rejected');
    expect(steps.calls.find(({ name }) => name === 'endHold')?.input).toEqual({
      ...{ holdId: 'h', as: 'rejected', attemptId },
    });
    expect(onHost.names()).toEqual(['dropStaged']);
  });

  test('a denial at release keeps it held; the approver is told why, and may approve again', async () => {
    const { handle, approve } = await start({
      releaseHold: (_input, calls) =>
        calls === 1 ? { next: 'held', reason: 'name_denied' } : { next: 'released', outcome: 'uploaded' },
    });
    expect(await approve()).toEqual({ next: 'held', reason: 'name_denied' });
    expect(await handle.query(stateQuery)).toBe('open');
    expect(await approve()).toMatchObject({ next: 'released' });
    expect(await handle.result()).toBe('approved');
  });

  test('an error at release keeps it held, and its code is told', async () => {
    const { handle, approve } = await start({
      releaseHold: () => {
        throw ApplicationFailure.nonRetryable('lock_mismatch', 'lock_mismatch');
      },
    });
    expect(await approve()).toEqual({ next: 'held', reason: 'lock_mismatch' });
    expect(await handle.query(stateQuery)).toBe('open');
    await handle.terminate();
  });

  test('a service that is away is waited for', async () => {
    const { steps, approve } = await start({
      judgeAttempt: (_input, calls) =>
        calls === 1 ? { next: 'unavailable', dependency: 'opa' } : { next: 'enough' },
      releaseHold: (_input, calls) =>
        calls === 1 ? { next: 'unavailable', dependency: 's3:' } : { next: 'released', outcome: 'uploaded' },
    });
    expect(await approve()).toMatchObject({ next: 'released' });
    const awaited = steps.calls.filter(({ name }) => name === 'awaitDependency').map(({ input }) => input);
    expect(awaited).toEqual(['opa', 's3:']);
  });

  test('its shape and state are checked before anything is judged', async () => {
    const { handle, steps, approve } = await start();
    const malformed = approve('../../etc/passwd');
    await expect(malformed).rejects.toThrow(WorkflowUpdateFailedError);
    expect(steps.names()).not.toContain('judgeAttempt');
    await approve();
    await handle.result();
    await expect(approve()).rejects.toThrow();
  });
});

describe('racing', () => {
  test('of approving, rejecting and expiring at the same moment exactly one wins, and the others are told', async () => {
    for (const first of ['approve', 'reject', 'expire']) {
      const run = await start({ judgeAttempt: async () => ({ next: 'enough' }) });
      await run.timesCalled(run.steps, 'lookAtHold', 1);
      const told = (answer: Promise<unknown>) => answer.catch(() => 'too late');
      const race = {
        approve: () => told(run.approve()),
        reject: () => told(run.reject()),
        expire: () => run.skip(14 * dayMs).catch(() => {}),
      };
      const order = Object.keys(race).sort((a, b) => Number(b === first) - Number(a === first));
      const answers = await Promise.all(order.map((name) => race[name as keyof typeof race]()));
      const state = await run.handle.result();
      const ends = [...run.steps.names(), ...run.onHost.names()].filter(
        (name) => name === 'releaseHold' || name === 'endHold',
      );
      expect([first, ends]).toEqual([first, [state === 'approved' ? 'releaseHold' : 'endHold']]);
      for (const answer of answers.filter((each) => each !== undefined)) {
        const expected = state === 'approved' ? { next: 'released', outcome: 'uploaded' } : undefined;
        expect([{ next: 'ended', state }, 'too late', expected]).toContainEqual(answer);
      }
    }
  }, 90_000);

  test('whoever comes while it is being released waits for how that ends, and is told', async () => {
    let finish = (): void => {};
    const released = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { handle, onHost, steps, approve, reject, timesCalled } = await start({
      releaseHold: async () => {
        await released;
        return { next: 'released', outcome: 'uploaded' };
      },
    });
    const approved = approve();
    await timesCalled(onHost, 'releaseHold', 1);
    const late = reject();
    await timesCalled(steps, 'judgeAttempt', 2);
    finish();
    expect(await approved).toMatchObject({ next: 'released' });
    expect(await late).toEqual({ next: 'ended', state: 'approved' });
    expect(await handle.result()).toBe('approved');
    expect(steps.names()).not.toContain('endHold');
  });
});

describe('a host that is away', () => {
  test('approved meanwhile, the file goes when the host is back, within minutes', async () => {
    const { handle, catalog, approve, skip, startHost, steps, timesCalled } = await start(
      {},
      { hostIsAway: true },
    );
    await timesCalled(steps, 'lookAtHold', 1);
    catalog.standing.isApproved = true;
    expect(await approve()).toEqual({ next: 'waiting' });
    await timesCalled(steps, 'lookAtHold', 2);
    onTestFinished(await startHost());
    await skip(10 * 60_000);
    expect(await handle.result()).toBe('approved');
  });

  test('sealed anew, the bytes are looked for on the other host', async () => {
    const otherQueue = `host.${randomUUID()}`;
    const other = madeUpSteps();
    onTestFinished(
      await startWorker(temporal(), otherQueue, other.activities, { bundle: await temporal().skipping() }),
    );
    const { handle, reseal, approve } = await start(
      { resealHold: () => ({ next: 'resealed', hostQueue: otherQueue }) },
      { hostIsAway: true },
    );
    expect(await reseal()).toEqual({ next: 'resealed', hostQueue: otherQueue });
    expect(await approve()).toMatchObject({ next: 'released' });
    expect(await handle.result()).toBe('approved');
    expect(other.names()).toEqual(['releaseHold']);
  });
});

// A workflow task that dies with its worker is given to another after ten seconds.
describe('a worker killed', { timeout: 90_000 }, () => {
  test('while the hold waits, another goes on where it stopped', async () => {
    const { handle, steps, killWorker, skip, approve, timesCalled } = await start();
    await timesCalled(steps, 'lookAtHold', 1);
    await skip(dayMs);
    await timesCalled(steps, 'lookAtHold', 2);
    await killWorker();
    expect(await approve()).toMatchObject({ next: 'released' });
    expect(await handle.result()).toBe('approved');
  });

  test('while it is being released, what the host does still counts', async () => {
    let finish = (): void => {};
    const released = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { handle, onHost, approve, killWorker, timesCalled } = await start({
      releaseHold: async () => {
        await released;
        return { next: 'released', outcome: 'uploaded' };
      },
    });
    const approved = approve();
    await timesCalled(onHost, 'releaseHold', 1);
    await killWorker();
    finish();
    expect(await approved).toMatchObject({ next: 'released' });
    expect(await handle.result()).toBe('approved');
  });

  test('while a decision is judged, it is judged by another', async () => {
    const { handle, steps, approve, killWorker, timesCalled } = await start({
      judgeAttempt: async (_input, calls) => {
        if (calls === 1) throw new Error('killed');
        return { next: 'enough' };
      },
    });
    const approved = approve();
    await timesCalled(steps, 'judgeAttempt', 1);
    await killWorker();
    expect(await approved).toMatchObject({ next: 'released' });
    expect(await handle.result()).toBe('approved');
  });
});
