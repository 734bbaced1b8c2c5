import type { EndedRun } from '../catalog/catalog.ts';
import type { FailureCode, FailureFacts } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';

/** A sweep that somebody asks a running worker for, who has the keys and the connections it takes. */
export interface SweepRequest {
  readonly source: string;
  readonly actor: string;
  /** `started`: that it runs is all that is asked. `ended`: the end, also of one that is under way already. */
  readonly until: 'started' | 'ended';
  /** Whether to tell in between how far it is. */
  readonly progress: boolean;
}

/** What a worker answers, in this order. A last answer is `refused`, or the one that was asked for. */
export type SweepAnswer =
  | ({ readonly is: 'started' } & StartedSweep)
  | { readonly is: 'progress'; readonly settled: number }
  | ({ readonly is: 'ended' } & SweptSource)
  /** `failure` undefined: this worker cannot tell; whoever asked looks himself. */
  | {
      readonly is: 'refused';
      readonly failure?: { readonly code: FailureCode; readonly facts: FailureFacts };
    };

/** A sweep that runs. */
export interface StartedSweep {
  /** Null for one that was under way already: its run may not have begun. */
  readonly runId: Id | null;
}

/** A source whose sweep has ended. */
export interface SweptSource extends EndedRun {
  readonly runId: Id;
  /** ISO 8601: nothing of it expires any more, and this state is kept; null while retention goes on. */
  readonly pinnedAt: string | null;
}
