/**
 * Holds as plain data: what is signed to decide one, and what its workflow and activities answer each other. Ids and codes,
 * never a path. Sandbox-safe.
 */
import type { Id, Outcome } from './records.ts';
import type { JudgedFacts } from './steps.ts';

export type HoldState = 'open' | 'approved' | 'rejected' | 'expired';
export type HoldEnd = Exclude<HoldState, 'open'>;

/** What a hold's host found in its staging folder; `host_unavailable`: nobody answered there. */
export type StagedState = 'whole' | 'damaged' | 'missing' | 'host_unavailable';

/** Why a signed decision does not count: rows of the failure table. */
export type Refusal =
  | 'approval_invalid'
  | 'approval_expired'
  | 'approval_outdated'
  | 'approver_unknown'
  | 'approver_not_entitled'
  | 'hold_unknown';

export interface HoldStep {
  readonly holdId: Id;
}

export interface AttemptStep extends HoldStep {
  readonly attemptId: Id;
}

export interface InspectedStep extends HoldStep {
  readonly staged: StagedState;
}

export interface ResealStep extends HoldStep {
  /** The command that asked for it. */
  readonly runId: Id;
}

export interface EndStep extends HoldStep {
  readonly as: 'rejected' | 'expired';
  /** Whose decision it was; nobody's where it expires. */
  readonly attemptId?: Id;
}

export interface InspectedHold {
  readonly next: 'inspected';
  readonly staged: StagedState;
}

/** How a hold stands, by the clock of who looks: a workflow has none of its own. Milliseconds, below 0 for what is overdue. */
export interface HoldStanding {
  readonly next: 'standing';
  readonly state: HoldState;
  /** Queue of the host that has the staged bytes. */
  readonly hostQueue: string;
  readonly expiresInMs: number;
  readonly remindInMs: number;
  /** As many valid approvals as it needs are there, and nothing but its host keeps it from being released. */
  readonly isApproved: boolean;
  readonly about: AboutHold;
}

/** By what a hold's workflow can be found. */
export interface AboutHold extends JudgedFacts {
  /** The run that made the version. */
  readonly run: Id;
  readonly reason: string;
  /** When it counts as rejected, ISO 8601 UTC. */
  readonly until: string;
}

export interface Ended {
  readonly next: 'ended';
  readonly state: HoldEnd;
}

/** What became of one signed decision. `enough`: the hold may be decided that way now. */
export type JudgedAttempt =
  | Ended
  | { readonly next: 'enough' }
  | { readonly next: 'counted' | 'repeated'; readonly approvals: number; readonly needed: number }
  | { readonly next: 'refused'; readonly code: Refusal };

export type ReleaseOfHold =
  | Ended
  | { readonly next: 'released'; readonly outcome: Outcome }
  /** Still held; `reason` as the hold now has it, or what is wrong with the staged bytes. */
  | { readonly next: 'held'; readonly reason: string };

export type ResealedHold =
  | Ended
  | { readonly next: 'resealed'; readonly hostQueue: string }
  | { readonly next: 'held'; readonly reason: 'hold_source_changed' | 'staging_full' };

/** What whoever decided is told. `waiting`: it is approved and released as soon as its host answers. */
export type HoldAnswer =
  | Exclude<JudgedAttempt, { next: 'enough' }>
  | ReleaseOfHold
  | ResealedHold
  | { readonly next: 'waiting' };
