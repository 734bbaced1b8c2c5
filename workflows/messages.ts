import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';

/** An entry may have changed again. `runId`: the run that noticed. */
export const changedSignal = defineSignal<[{ runId: Id }]>('changed');

/** Where a workflow stands, in one word. */
export const stateQuery = defineQuery<string>('state');
