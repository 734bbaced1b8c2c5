import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import {
  WorkflowFailedError,
  type WorkflowHandle,
  type WorkflowHandleWithSignaledRunId,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { Settled } from '../../src/domain/steps.ts';
import { changedSignal, stateQuery } from '../../workflows/messages.ts';
import type { protectFile } from '../../workflows/protect-file.ts';
import { activityNames, attributesOf, clientOf, runWorker, useTemporal } from '../support/temporal.ts';
import { type Handler, madeUpSteps, uploadedAnswer } from './steps.ts';

const temporal = useTemporal();
const large: Handler = (input) =>
  (input as { large?: boolean }).large ? { next: 'admit', versionId: 'v', large: true } : { next: 'large' };

interface Started {
  readonly handle: WorkflowHandleWithSignaledRunId<typeof protectFile>;
  readonly steps: ReturnType<typeof madeUpSteps>;
  readonly taskQueue: string;
}

/** Starts protectFile as the watcher does, with a signal, on steps that the test made up. */
async function start(
  changes: Record<string, Handler> = {},
  retry = { maxRetries: 2, retryDelayMs: 10 },
  bundle = temporal().fast,
): Promise<Started> {
  const taskQueue = `files.${randomUUID()}`;
  const workflowId = `protect:${randomUUID()}`;
  const client = clientOf(temporal());
  const steps = madeUpSteps(changes);
  await runWorker(temporal(), taskQueue, steps.activities, { bundle });
  const handle = await client.workflow.signalWithStart<typeof protectFile, [{ runId: string }]>(
    'protectFile',
    {
      workflowId,
      taskQueue,
      args: [{ entryId: 'e', runId: 'first', retry, hostQueue: taskQueue }],
      signal: changedSignal,
      signalArgs: [{ runId: 'first' }],
    },
  );
  return { handle, steps, taskQueue };
}

const fail = (type: string, nonRetryable = false): never => {
  throw ApplicationFailure.create({ type, message: type, nonRetryable });
};

/** How the workflow failed: the type of its failure. */
async function failureOf(handle: WorkflowHandle): Promise<string | null | undefined> {
  const error = await handle.result().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure)) throw error;
  return error.cause.type;
}

describe('a small file', () => {
  test('runs four local activities, in order, and nothing else; the signal it came with is no second change', async () => {
    const { handle, steps } = await start();
    expect(await handle.result()).toEqual(uploadedAnswer);
    expect(steps.calls).toEqual([
      { name: 'fingerprint', local: true, input: { entryId: 'e', runId: 'first', round: 0, giveUp: false } },
      { name: 'admit', local: true, input: { versionId: 'v' } },
      { name: 'scan', local: true, input: { versionId: 'v', last: false } },
      { name: 'sealAndUpload', local: true, input: { versionId: 'v' } },
    ]);
    expect(await activityNames(handle)).toEqual([]);
  });

  test('that the first step settles needs one activity', async () => {
    const settled: Settled = { next: 'settled', outcome: 'vanished', versionId: 'v' };
    const { handle, steps } = await start({ fingerprint: () => settled });
    expect(await handle.result()).toEqual(settled);
    expect(steps.names()).toEqual(['fingerprint']);
  });

  test.each(['ignored', 'duplicate', 'quarantined', 'cancelled'] as const)(
    'whose outcome is %s is a result, not a failure',
    async (outcome) => {
      const { handle } = await start({ sealAndUpload: () => ({ next: 'settled', outcome }) });
      expect(await handle.result()).toMatchObject({ outcome });
    },
  );
});

describe('a large file', () => {
  test('runs regular activities, fingerprinted once more with heartbeats', async () => {
    const { handle, steps } = await start({ fingerprint: large });
    expect(await handle.result()).toEqual(uploadedAnswer);
    expect(await activityNames(handle)).toEqual(['fingerprint', 'admit', 'scan', 'planAndRelease', 'upload']);
    expect(steps.calls[0]).toMatchObject({ name: 'fingerprint', local: true });
    expect(steps.calls[1]).toMatchObject({
      name: 'fingerprint',
      local: false,
      input: { large: true, round: 0 },
    });
  });

  test('whose upload cannot go on is planned again', async () => {
    const { handle, steps } = await start({
      fingerprint: large,
      upload: (_input, calls) => (calls === 1 ? { next: 'plan' } : uploadedAnswer),
    });
    await handle.result();
    expect(steps.names().slice(-4)).toEqual(['planAndRelease', 'upload', 'planAndRelease', 'upload']);
  });
});

describe('an answer that means "not now"', () => {
  test('busy: asks again, without spending an attempt', async () => {
    const { handle, steps } = await start({
      fingerprint: (_input, calls) =>
        calls < 6 ? { next: 'busy' } : { next: 'admit', versionId: 'v', large: false },
    });
    expect(await handle.result()).toEqual(uploadedAnswer);
    expect(steps.names().filter((name) => name === 'fingerprint')).toHaveLength(6);
    expect(steps.names()).not.toContain('recordFailure');
  });

  test.each(['opa', 'source:0123'])('unavailable: waits for %s, then asks again', async (dependency) => {
    const { handle, steps } = await start({
      scan: (_input, calls) => (calls < 8 ? { next: 'unavailable', dependency } : { next: 'seal' }),
    });
    expect(await handle.result()).toEqual(uploadedAnswer);
    const waits = steps.calls.filter((call) => call.name === 'awaitDependency');
    expect(waits).toHaveLength(7);
    expect(waits[0]).toEqual({ name: 'awaitDependency', input: dependency, local: false });
    expect(steps.names()).not.toContain('recordFailure');
  });

  test('wait: tries again while another makes the object', async () => {
    const { handle, steps } = await start({
      sealAndUpload: (_input, calls) => (calls < 5 ? { next: 'wait' } : uploadedAnswer),
    });
    expect(await handle.result()).toEqual(uploadedAnswer);
    expect(steps.names().filter((name) => name === 'sealAndUpload')).toHaveLength(5);
  });

  test('scanAgain: as often as configured, then for the last time; from the second on with all the time it takes', async () => {
    const { handle, steps } = await start({
      scan: (input) =>
        (input as { last: boolean }).last ? { next: 'seal' } : { next: 'scanAgain', reason: 'timeout' },
    });
    expect(await handle.result()).toEqual(uploadedAnswer);
    const scans = steps.calls.filter((call) => call.name === 'scan');
    expect(scans.map(({ local, input: { last, again = false } }) => ({ local, last, again }))).toEqual([
      { local: true, last: false, again: false },
      { local: false, last: false, again: true },
      { local: false, last: true, again: true },
    ]);
  });
});

describe('a file that changes', () => {
  test('is looked at again, each time as a look of its own', async () => {
    const { handle, steps } = await start({
      fingerprint: (_input, calls) =>
        calls < 3 ? { next: 'changed' } : { next: 'admit', versionId: 'v', large: false },
    });
    expect(await handle.result()).toEqual(uploadedAnswer);
    const looks = steps.calls.filter((call) => call.name === 'fingerprint').map((call) => call.input.round);
    expect(looks).toEqual([0, 1, 2]);
  });

  test('during every step is seen, too', async () => {
    for (const name of ['scan', 'sealAndUpload'] as const) {
      const { handle, steps } = await start({
        [name]: (_input: never, calls: number) =>
          calls === 1 ? { next: 'changed' } : name === 'scan' ? { next: 'seal' } : uploadedAnswer,
      });
      expect(await handle.result()).toEqual(uploadedAnswer);
      expect(steps.names().filter((step) => step === 'fingerprint')).toHaveLength(2);
    }
  });

  test('during ten looks in a row is given up in the eleventh', async () => {
    const { handle, steps } = await start({
      fingerprint: (input) =>
        (input as { giveUp: boolean }).giveUp
          ? { next: 'settled', outcome: 'failed', reason: 'changing', versionId: 'v' }
          : { next: 'changed' },
    });
    expect(await failureOf(handle)).toBe('changing');
    const giveUps = steps.calls.map((call) => call.input.giveUp);
    expect(giveUps).toEqual([...Array.from({ length: 10 }, () => false), true]);
  });
});

describe('an error about the file', () => {
  test('that may pass is tried near twice, then as often as configured with back-off, then recorded', async () => {
    const { handle, steps } = await start({ scan: () => fail('s3_corrupt') });
    expect(await failureOf(handle)).toBe('s3_corrupt');
    const scans = steps.calls.filter((call) => call.name === 'scan').map((call) => call.local);
    expect(scans).toEqual([true, true, false, false, false]);
    expect(steps.calls.at(-1)).toEqual({
      name: 'recordFailure',
      local: false,
      input: { entryId: 'e', runId: 'first', round: 0, code: 's3_corrupt' },
    });
  });

  test('that will not pass is recorded at once', async () => {
    const { handle, steps } = await start({ admit: () => fail('destination_unknown', true) });
    expect(await failureOf(handle)).toBe('destination_unknown');
    expect(steps.names()).toEqual(['fingerprint', 'admit', 'recordFailure']);
  });

  test('of a large file is tried as often as configured', async () => {
    const { handle, steps } = await start({ fingerprint: large, upload: () => fail('s3_corrupt') });
    expect(await failureOf(handle)).toBe('s3_corrupt');
    expect(steps.names().filter((name) => name === 'upload')).toHaveLength(3);
  });

  test('without a code is an internal one, and the workflow ends instead of trying for ever', async () => {
    const { handle, steps } = await start({
      admit: () => {
        throw new TypeError('/secret/path is not a function');
      },
    });
    expect(['internal', 'TypeError']).toContain(await failureOf(handle));
    expect(steps.calls.at(-1)?.name).toBe('recordFailure');
  });

  test('fails the workflow with its reason, though nothing was thrown', async () => {
    const settled = { next: 'settled', outcome: 'failed', reason: 'unreadable', versionId: 'v' };
    const { handle, steps } = await start({ fingerprint: () => settled });
    expect(await failureOf(handle)).toBe('unreadable');
    expect(steps.names()).toEqual(['fingerprint']);
  });

  test('a step that hangs near goes on far, with time', async () => {
    const { handle, steps } = await start(
      {
        scan: async (_input, calls) => {
          if (calls <= 2) await Context.current().sleep('1 hour');
          return { next: 'seal' };
        },
      },
      undefined,
      temporal().real,
    );
    expect(await handle.result()).toEqual(uploadedAnswer);
    expect(await activityNames(handle)).toEqual(['scan']);
    expect(steps.names()).not.toContain('recordFailure');
  }, 40_000);
});

describe('a change that is told meanwhile', () => {
  /** Signals the workflow from within a step, as the watcher may at any moment: at the step's calls that `when` names. */
  function signalling(during: 'sealAndUpload' | 'upload', times: number, when: (calls: number) => boolean) {
    let bind = (_handle: WorkflowHandle): void => {};
    const bound = new Promise<WorkflowHandle>((resolve) => {
      bind = resolve;
    });
    let signals = 0;
    const step = async (_input: never, calls: number): Promise<unknown> => {
      const handle = await bound;
      if (when(calls)) {
        for (let i = 0; i < times; i++) await handle.signal(changedSignal, { runId: `signal ${++signals}` });
      }
      return uploadedAnswer;
    };
    return { changes: { [during]: step }, bind: (handle: WorkflowHandle) => bind(handle) };
  }
  const looks = ({ steps }: Started) =>
    steps.calls.filter((call) => call.name === 'fingerprint' && !call.local);

  test('during a look leads to another, in the name of the run that told it', async () => {
    const signal = signalling('upload', 1, (calls) => calls === 1);
    const started = await start({ ...signal.changes, fingerprint: large });
    signal.bind(started.handle);
    await started.handle.result();
    expect(looks(started).map((call) => call.input)).toMatchObject([
      { runId: 'first', round: 0 },
      { runId: 'signal 1', round: 1 },
    ]);
  });

  test('a hundred times leads to one more look', async () => {
    const signal = signalling('upload', 100, (calls) => calls === 1);
    const started = await start({ ...signal.changes, fingerprint: large });
    signal.bind(started.handle);
    await started.handle.result();
    expect(looks(started).map((call) => call.input.runId)).toEqual(['first', 'signal 100']);
  });

  test('during the first task of a small file is followed by a look, too', async () => {
    const signal = signalling('sealAndUpload', 1, (calls) => calls === 1);
    const started = await start(signal.changes);
    signal.bind(started.handle);
    await started.handle.result();
    // The server throws the task's results away: the steps run again, and meet the newer hint in the catalog.
    const names = started.steps.names();
    expect(names.lastIndexOf('fingerprint')).toBeGreaterThan(names.indexOf('sealAndUpload'));
  });

  test('again and again: after five rounds goes on in a new run, which knows who told it', async () => {
    const signal = signalling('upload', 1, (calls) => calls <= 7);
    const started = await start({ ...signal.changes, fingerprint: large });
    signal.bind(started.handle);
    await started.handle.result();
    expect(looks(started).map((call) => [call.input.runId, call.input.round])).toEqual([
      ['first', 0],
      ...[1, 2, 3, 4].map((n) => [`signal ${n}`, n]),
      ...[5, 6, 7].map((n) => [`signal ${n}`, n - 5]),
    ]);
    const first = clientOf(temporal()).workflow.getHandle(
      started.handle.workflowId,
      started.handle.signaledRunId,
    );
    const { events } = await first.fetchHistory();
    expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
    expect((await activityNames(first)).filter((name) => name === 'upload')).toHaveLength(5);
  });

  test('is shown by the state query', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { handle } = await start({
      fingerprint: large,
      upload: async (_input, calls) => {
        if (calls === 1) await released;
        return uploadedAnswer;
      },
    });
    const state = async (expected: string): Promise<void> => {
      for (let tries = 0; (await handle.query(stateQuery)) !== expected; tries++) {
        if (tries > 100) expect(await handle.query(stateQuery)).toBe(expected);
        await sleep(20);
      }
    };
    await state('look 1');
    await handle.signal(changedSignal, { runId: 'second' });
    await state('look 1, changed again');
    release();
    await handle.result();
  });
});

describe('a held file', () => {
  test('starts the workflow that waits for approval, once, which lives on', async () => {
    const holdId = randomUUID().replaceAll('-', '');
    const held = { next: 'settled', outcome: 'held', reason: 'no', versionId: 'v', holdId };
    const changes = { sealAndUpload: () => held, inspectHold: () => 'open' };
    const { handle, taskQueue } = await start(changes, undefined, temporal().real);
    expect(await handle.result()).toEqual(held);
    const client = clientOf(temporal());
    const hold = client.workflow.getHandle(`hold:${holdId}`);
    const described = await hold.describe();
    expect(described.status.name).toBe('RUNNING');
    expect(described.type).toBe('stagingHold');
    expect(await described.staticDetails()).toContain(`holdfast hold show ${holdId}`);
    for (let tries = 0; (await hold.query(stateQuery)) !== 'open' && tries < 100; tries++) await sleep(20);

    // Seen again, it is held by the same workflow.
    const again = await client.workflow.start<typeof protectFile>('protectFile', {
      workflowId: handle.workflowId,
      taskQueue,
      args: [
        { entryId: 'e', runId: 'second', retry: { maxRetries: 1, retryDelayMs: 1 }, hostQueue: taskQueue },
      ],
    });
    expect(await again.result()).toEqual(held);
    expect((await hold.describe()).runId).toBe(described.runId);
    await hold.terminate();
  });
});

describe("a file's workflow can be found by", () => {
  const judged = {
    Source: 'documents',
    Classification: 'internal',
    Destination: ['primary', 'second'],
    PolicyRevision: 'p',
  };

  test('its run, its outcome and how policy judged it', async () => {
    const { handle } = await start();
    await handle.result();
    expect(await attributesOf(handle)).toEqual({ ...judged, Run: 'first', Outcome: 'uploaded' });
  });

  test('the code of what it failed with', async () => {
    const { handle } = await start({
      scan: () => fail('s3_corrupt', true),
      recordFailure: () => ({ source: 'documents', classification: 'restricted' }),
    });
    expect(await failureOf(handle)).toBe('s3_corrupt');
    expect(await attributesOf(handle)).toEqual({
      ...{ Source: 'documents', Classification: 'restricted' },
      ...{ Run: 'first', Outcome: 'failed', Reason: 's3_corrupt' },
    });
  });

  test('what became of it last, where it changed meanwhile, and not by what no longer holds', async () => {
    let handle: WorkflowHandle | undefined;
    const { handle: started } = await start({
      fingerprint: large,
      upload: async (_input, calls) => {
        if (calls > 1) return uploadedAnswer;
        while (handle === undefined) await sleep(10);
        await handle.signal(changedSignal, { runId: 'second' });
        return { next: 'settled', outcome: 'ignored', reason: 'temporary_files', versionId: 'v' };
      },
    });
    handle = started;
    await started.result();
    expect(await attributesOf(started)).toEqual({ ...judged, Run: 'second', Outcome: 'uploaded' });
  });

  test('the beginning of a reason that is longer than a server keeps', async () => {
    const { handle } = await start({
      scan: () => ({ next: 'settled', outcome: 'quarantined', reason: 'x'.repeat(300), versionId: 'v' }),
    });
    await handle.result();
    expect(await attributesOf(handle)).toMatchObject({ Outcome: 'quarantined', Reason: 'x'.repeat(255) });
  });

  test('"unchanged" where its state was known, whatever became of that', async () => {
    const { handle } = await start({
      fingerprint: () => ({
        next: 'settled',
        outcome: 'held',
        reason: 'no',
        versionId: 'v',
        unchanged: true,
      }),
    });
    await handle.result();
    expect(await attributesOf(handle)).toEqual({ Run: 'first', Outcome: 'unchanged' });
  });
});
