/** Activities a test makes up, and the record of how they were called. */
import { activityInfo } from '@temporalio/activity';

export interface Call {
  readonly name: string;
  readonly input: Record<string, unknown>;
  readonly local: boolean;
}

export type Handler = (input: never, calls: number) => unknown;

/** A hold that waits for 14 days and is reminded of daily. */
export const openHold = {
  next: 'standing',
  state: 'open',
  expiresInMs: 14 * 86_400_000,
  remindInMs: 86_400_000,
  isApproved: false,
  about: {
    run: 'r',
    source: 'documents',
    reason: 'no',
    classification: 'restricted',
    destinations: ['primary'],
    policyRevision: 'p',
    until: '2030-01-01T00:00:00.000Z',
  },
};

const judged = {
  source: 'documents',
  classification: 'internal',
  destinations: ['primary', 'second'],
  policyRevision: 'p',
};
const uploaded = { next: 'settled', outcome: 'uploaded', versionId: 'v', judged };

/** A small clean file's way through, with what a test puts in its place. `calls` counts calls of that step, from 1. */
export function madeUpSteps(changes: Record<string, Handler> = {}): {
  activities: Record<string, (input: never) => Promise<unknown>>;
  calls: Call[];
  names(): string[];
} {
  const calls: Call[] = [];
  const steps: Record<string, Handler> = {
    fingerprint: () => ({ next: 'admit', versionId: 'v', large: false }),
    admit: () => ({ next: 'scan' }),
    scan: () => ({ next: 'seal' }),
    sealAndUpload: () => uploaded,
    planAndRelease: () => ({ next: 'upload' }),
    upload: () => uploaded,
    recordFailure: () => undefined,
    failSweep: () => undefined,
    awaitDependency: () => undefined,
    lookAtHold: () => openHold,
    inspectHold: () => ({ next: 'inspected', staged: 'whole' }),
    remindOfHold: () => ({ next: 'reminded' }),
    judgeAttempt: () => ({ next: 'enough' }),
    releaseHold: () => ({ next: 'released', outcome: 'uploaded' }),
    endHold: (input: { as: string }) => ({ next: 'ended', state: input.as }),
    resealHold: () => ({ next: 'resealed', hostQueue: 'host.other' }),
    dropStaged: () => ({ next: 'dropped' }),
    ...changes,
  };
  const activities = Object.fromEntries(
    Object.entries(steps).map(([name, handler]) => [
      name,
      async (input: never) => {
        calls.push({ name, input, local: activityInfo().isLocal });
        return handler(input, calls.filter((call) => call.name === name).length);
      },
    ]),
  );
  return { activities, calls, names: () => calls.map((call) => call.name) };
}

export const uploadedAnswer = uploaded;
