/**
 * A workflow's time in the hands of its test: timers keep the durations that they have in production, and fire when the test
 * has skipped that much; what is skipped while none runs counts for the next one. What the server times itself, an activity
 * that nobody takes, is waited for half a second only.
 */
import { setHandler, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { skipSignal } from './skip-signal.ts';

interface Timer {
  leftMs: number;
  readonly fire: () => void;
}

export const interceptors: WorkflowInterceptorsFactory = () => {
  let unusedMs = 0;
  const timers = new Set<Timer>();
  const pass = (): void => {
    if (timers.size === 0) return;
    for (const timer of timers) {
      timer.leftMs -= unusedMs;
      if (timer.leftMs > 0) continue;
      timers.delete(timer);
      timer.fire();
    }
    unusedMs = 0;
  };
  return {
    inbound: [
      {
        execute(input, next) {
          setHandler(skipSignal, (ms) => {
            unusedMs += ms;
            pass();
          });
          return next(input);
        },
      },
    ],
    outbound: [
      {
        startTimer: ({ durationMs }) =>
          new Promise((fire) => {
            timers.add({ leftMs: durationMs, fire });
            pass();
          }),
        scheduleActivity: (input, next) =>
          next(
            input.options.scheduleToStartTimeout === undefined
              ? input
              : { ...input, options: { ...input.options, scheduleToStartTimeout: '500ms' } },
          ),
      },
    ],
  };
};
