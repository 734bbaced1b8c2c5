import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** Every timer has fired as soon as it starts, so that a test sees a month of a workflow's life. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [],
  outbound: [{ startTimer: async () => {} }],
});
