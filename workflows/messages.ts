import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { HoldAnswer } from '../src/domain/holds.ts';
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

/** A signed decision about a held file, kept in the catalog under this id. Answered when it is known what came of it. */
export const approveUpdate = defineUpdate<HoldAnswer, [{ attemptId: Id }]>('approve');
export const rejectUpdate = defineUpdate<HoldAnswer, [{ attemptId: Id }]>('reject');

/** Seal a held file anew from its source. `runId`: the command that asks. */
export const resealUpdate = defineUpdate<HoldAnswer, [{ runId: Id }]>('reseal');

/** Somebody acknowledged, notified or closed an incident: its register tells what. */
export const incidentChangedSignal = defineSignal('incidentChanged');
