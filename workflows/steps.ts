import {
  ActivityFailure,
  ApplicationFailure,
  log,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Dependency, Postponed, RetryOptions } from '../src/domain/steps.ts';

type Pipeline = Pick<
  Activities,
  'fingerprint' | 'admit' | 'scan' | 'sealAndUpload' | 'planAndRelease' | 'upload' | 'sweepSource'
>;
type Input<Name extends keyof Pipeline> = Parameters<Pipeline[Name]>[0];
type Answer<Name extends keyof Pipeline> = Exclude<Awaited<ReturnType<Pipeline[Name]>>, Postponed>;

/** The longest a dependency may be away before work that waits for it is given up. */
const longestOutage = '7 days';

const local = proxyLocalActivities<Activities>({
  startToCloseTimeout: '5s',
  scheduleToCloseTimeout: '8s',
  localRetryThreshold: '1s',
  retry: { maximumAttempts: 2, initialInterval: '100ms' },
});

const { awaitDependency } = proxyActivities<Activities>({
  scheduleToCloseTimeout: longestOutage,
  heartbeatTimeout: '60s',
  retry: { initialInterval: '1s', maximumInterval: '15s' },
});

/** Waiting until a dependency answers again; whoever looks at the workflow meanwhile sees which. */
export const gate = {
  awaitDependency: (dependency: Dependency): Promise<void> =>
    awaitDependency.executeWithOptions({ summary: `waits for ${dependency}` }, [dependency]),
};

export interface Steps {
  /** Runs a step to its answer: near (as a local activity) if the content is small, else with heartbeats. */
  run<Name extends keyof Pipeline>(name: Name, input: Input<Name>, large: boolean): Promise<Answer<Name>>;
}

/** The steps of the pipeline, with waiting and retrying taken care of. */
export function createSteps(retry: RetryOptions): Steps {
  const regular = proxyActivities<Activities>({
    startToCloseTimeout: '7 days',
    // After a crash this is how long a large upload stands still.
    heartbeatTimeout: '30s',
    retry: {
      maximumAttempts: retry.maxRetries + 1,
      initialInterval: retry.retryDelayMs,
      backoffCoefficient: 2,
      maximumInterval: '5 minutes',
    },
  });

  return {
    async run<Name extends keyof Pipeline>(
      name: Name,
      input: Input<Name>,
      large: boolean,
    ): Promise<Answer<Name>> {
      let near = !large;
      for (;;) {
        const activity = (near ? local : regular)[name] as unknown as (
          input: Input<Name>,
        ) => Promise<Postponed | { next: 'answer' }>;
        try {
          const answer = await activity(input);
          if (answer.next === 'busy') await sleep('1s');
          else if (answer.next === 'unavailable') await gate.awaitDependency(answer.dependency);
          else return answer as unknown as Answer<Name>;
        } catch (error) {
          if (!near || !mayStillSucceed(error)) throw error;
          log.info('step goes on as a regular activity', { step: name });
          near = false;
        }
      }
    },
  };
}

/** Runs an activity to its answer, waiting where a service or a place is missing. */
export async function untilThere<Answer extends { readonly next: string }>(
  activity: () => Promise<Answer>,
): Promise<Exclude<Answer, Postponed>> {
  for (;;) {
    const answer = (await activity()) as Answer | Postponed;
    if (answer.next === 'busy') await sleep('1s');
    else if (answer.next === 'unavailable') await gate.awaitDependency((answer as Unavailable).dependency);
    else return answer as Exclude<Answer, Postponed>;
  }
}

type Unavailable = Extract<Postponed, { next: 'unavailable' }>;

/** Records what ended in an error, a step about a file or a whole sweep, so that no run waits for it. */
export const { recordFailure, failSweep } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '15s' },
});

/** What an activity threw. Around what a local one threw itself, as opposed to a timeout, there is no ActivityFailure. */
const causeOf = (error: unknown): unknown => (error instanceof ActivityFailure ? error.cause : error);

/** The code of what went wrong, a row of the failure table. */
export function failureCode(error: unknown): string {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return cause.type ?? 'internal';
  return cause instanceof TimeoutFailure ? 'timeout' : 'internal';
}

function mayStillSucceed(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof TimeoutFailure || (cause instanceof ApplicationFailure && !cause.nonRetryable);
}
