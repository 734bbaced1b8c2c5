import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** Timers fire as soon as they start, and an activity counts as lost after a second without a heartbeat. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [],
  outbound: [
    {
      startTimer: async () => {},
      scheduleActivity: (input, next) =>
        next({ ...input, options: { ...input.options, heartbeatTimeout: '1s' } }),
    },
  ],
});
