import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';

/** An entry may have changed again. `runId`: the run that noticed. */
export const changedSignal = defineSignal<[{ runId: Id }]>('changed');

/** A run of a source's retention that somebody asked for. */
export interface RetainRequest {
  readonly runId: Id;
  readonly actor: string;
}

/** Begins a run of retention now, or after the one that is under way. */
export const retainSignal = defineSignal<[RetainRequest]>('retain');

/** Where a workflow stands, in one word. */
export const stateQuery = defineQuery<string>('state');
