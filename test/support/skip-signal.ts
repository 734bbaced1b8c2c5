import { defineSignal } from '@temporalio/workflow';

/** Lets so many milliseconds pass for a workflow that runs with `skipped-time.ts`. */
export const skipSignal = defineSignal<[number]>('skip');
