/**
 * What a step of the pipeline answers, as plain data that crosses the activity edge: ids and codes, never content,
 * never a path. Sandbox-safe.
 */
import type { Id, Outcome } from './records.ts';

/**
 * What a step may find missing; work waits for it without spending attempts. A single source by its id; of destinations,
 * by their names with commas between, whichever answers first, and any at all where none is named.
 */
export type Dependency = 'postgres' | 'opa' | 'clamd' | `s3:${string}` | `source:${Id}`;

/** The step did nothing yet: this process is full (`busy`), or something it needs does not answer. */
export type Postponed =
  | { readonly next: 'busy' }
  | { readonly next: 'unavailable'; readonly dependency: Dependency };

/** By what a version's workflow can be found, as far as its policy decision is known. */
export interface JudgedFacts {
  /** The operator's name of it. */
  readonly source?: string;
  readonly classification?: string;
  /** Names. */
  readonly destinations?: readonly string[];
  /** Of the bundle that admitted it. */
  readonly policyRevision?: string;
}

/** The version has its outcome. */
export interface Settled {
  readonly next: 'settled';
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly versionId?: Id;
  /** The state seen was known already; no version was made. */
  readonly unchanged?: boolean;
  /** Set when held: the workflow that waits for the approval. */
  readonly holdId?: Id;
  /** Of the further destinations that release denied. */
  readonly otherHoldIds?: readonly Id[];
  readonly judged?: JudgedFacts;
}

/** The file is not what it was when this look at it began: look again. */
export interface Changed {
  readonly next: 'changed';
}

/** Content up to this size is sealed in memory and sent with one PUT. Bytes. */
export const smallContentBytes = 8 * 1024 * 1024;

/** How many looks in a row may find a file changing before it is given up until the next sweep. */
export const maxChangingLooks = 10;

export interface FingerprintStep {
  readonly entryId: Id;
  readonly runId: Id;
  /** Numbers the looks at this entry within one workflow run, from 0. */
  readonly round: number;
  /** Record `failed(changing)` instead of looking once more. */
  readonly giveUp?: boolean;
  /** Set where the answer is awaited for longer than a small file takes. */
  readonly large?: boolean;
}

export type FingerprintAnswer =
  | Postponed
  | Settled
  | Changed
  | { readonly next: 'large' }
  | { readonly next: 'admit'; readonly versionId: Id; readonly large: boolean };

export interface VersionStep {
  readonly versionId: Id;
}

export interface ScanStep extends VersionStep {
  /** No further try follows: a verdict that asks for a retry is recorded, and policy's hold applies. */
  readonly last: boolean;
  /** A further try: the scanner gets as long as it takes by itself. */
  readonly again?: boolean;
}

export type AdmitAnswer = Postponed | Settled | { readonly next: 'scan' };
export type ScanAnswer =
  | Postponed
  | Settled
  | Changed
  | { readonly next: 'seal' }
  | { readonly next: 'scanAgain'; readonly reason: string };
export type SealAndUploadAnswer = Postponed | Settled | Changed | { readonly next: 'wait' };
export type PlanAnswer =
  | Postponed
  | Settled
  | Changed
  | { readonly next: 'wait' }
  | { readonly next: 'upload' };
export type UploadAnswer = Postponed | Settled | Changed | { readonly next: 'plan' };

/** One sample that is verified: goes on where an earlier try of the same run stopped. */
export interface VerifyStep {
  readonly runId: Id;
  /** Shares of the objects to look at, and to read, 0 to 1. */
  readonly sample: number;
  readonly readSample: number;
  /** After this nothing more is begun: the next run takes what was left, because it is the oldest then. */
  readonly sliceMs: number;
}

export type VerifyAnswer =
  | Postponed
  | {
      readonly next: 'verified';
      readonly checked: number;
      readonly read: number;
      readonly mismatches: number;
      readonly repaired: number;
      /** Whether the whole sample was looked at. */
      readonly complete: boolean;
    };

/** One look at the whole audit trail. */
export interface AuditVerifyStep {
  readonly runId: Id;
}

export type AuditVerifyAnswer =
  | Postponed
  | {
      readonly next: 'verified';
      readonly events: number;
      readonly heads: number;
      readonly anchors: number;
      /** What is not as it was signed. */
      readonly breaches: number;
    };

/** One slice of a rescan: goes on where an earlier one of the same run stopped. */
export interface RescanStep {
  readonly runId: Id;
  readonly actor: string;
  readonly sourceId?: Id;
  /** Contents to look at in the whole run, at most. */
  readonly limit?: number;
  /** After this nothing more is begun. */
  readonly sliceMs: number;
}

export type RescanAnswer =
  | Postponed
  | {
      readonly next: 'rescanned';
      /** Counts of contents, of the whole run so far. */
      readonly rescanned: number;
      readonly bytes: number;
      readonly clean: number;
      readonly infected: number;
      readonly notScanned: number;
      readonly unreadable: number;
      /** Whether nothing is left. */
      readonly isDone: boolean;
    };

/** One slice of the copying of what a destination lacks. */
export interface CopyStep {
  readonly destination: string;
  /** After this nothing more is begun. */
  readonly sliceMs: number;
}

export type CopyAnswer =
  | Postponed
  | {
      readonly next: 'copied';
      readonly copied: number;
      readonly denied: number;
      /** Tried in vain: they are tried again in a while. */
      readonly deferred: number;
      readonly manifests: number;
      /** Whether nothing is left to be tried. */
      readonly isDone: boolean;
    };

export interface FailStep {
  readonly entryId: Id;
  readonly runId: Id;
  readonly round: number;
  /** Code of the failure, a row of src/domain/failures.ts. */
  readonly code: string;
}

export interface SweepStep {
  readonly sourceId: Id;
  readonly runId: Id;
  /** Who asked for it: `holdfast` for the schedule, else the operator's account. */
  readonly actor: string;
  /** Whatever is gone was meant to go: tombstones without a limit. */
  readonly confirmsDeletions: boolean;
}

/** A sweep that an error ended. */
export interface SweepFailStep extends SweepStep {
  /** Code of the failure, a row of src/domain/failures.ts. */
  readonly code: string;
}

/** `result` as in the run log. */
export type SweepAnswer =
  | Postponed
  | {
      readonly next: 'swept';
      readonly result: string;
      /** The worst of its files; undefined where nothing changed. */
      readonly outcome?: Outcome;
      /** Of the bundle that judged last. */
      readonly policyRevision?: string;
    };

/** One slice of a source's retention. */
export interface RetainStep {
  readonly sourceId: Id;
  readonly runId: Id;
  /** Who asked for it: `holdfast` for the daily run, else the operator's account. */
  readonly actor: string;
  /** After this the slice ends where it is. */
  readonly sliceMs: number;
  /** Where the last slice of the run ended; undefined in its first. */
  readonly progress?: RetainProgress;
}

/** Where a run is, and what it did so far. Ids and counts. */
export type RetainProgress = { readonly totals: RetainTotals } & (
  | {
      readonly phase: 'versions';
      readonly at: { readonly entryId: Id; readonly observation: number; readonly rank: number };
    }
  | { readonly phase: 'objects'; readonly after: Id }
);

export interface RetainTotals {
  /** Versions that were looked at. */
  readonly versions: number;
  /** Objects whose lock was extended, and those that could not be locked as they must be. */
  readonly extended: number;
  readonly refused: number;
  readonly expired: number;
  /** Objects that came under a legal hold. */
  readonly held: number;
  /** Objects, and their bytes. */
  readonly deleted: number;
  readonly bytesFreed: number;
  /** Still locked or held in their bucket; and such that the retention role was not allowed to delete. */
  readonly deferred: number;
  readonly denied: number;
  readonly manifestsDeleted: number;
  /** Objects in destinations that did not answer. */
  readonly unreachable: number;
  /** 1 if nothing was to expire. */
  readonly paused: number;
}

/** `result` as in the run log. */
export type RetainAnswer =
  | Postponed
  | { readonly next: 'more'; readonly progress: RetainProgress }
  | { readonly next: 'retained'; readonly result: string };

/** One batch of a sweep: what is left of it. */
export interface BatchStep {
  readonly batchId: Id;
}

export type BatchAnswer =
  | Postponed
  | {
      readonly next: 'batched';
      /** The worst of the files that were protected together; undefined where none was. */
      readonly outcome?: Outcome;
      readonly policyRevision?: string;
    };

/** Retries of errors about a file: how many after the first try, and the first pause (doubled each time). */
export interface RetryOptions {
  readonly maxRetries: number;
  readonly retryDelayMs: number;
}
