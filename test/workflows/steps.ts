/** Activities a test makes up, and the record of how they were called. */
import { activityInfo } from '@temporalio/activity';

export interface Call {
  readonly name: string;
  readonly input: Record<string, unknown>;
  readonly local: boolean;
}

export type Handler = (input: never, calls: number) => unknown;

const uploaded = { next: 'settled', outcome: 'uploaded', versionId: 'v' };

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
    awaitDependency: () => undefined,
    inspectHold: () => 'open',
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
