import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import type { MetadataProblem } from './metadata.ts';

/**
 * What restore did with an entry.
 *
 * - `restored`: it is there now, under its own name.
 * - `replaced`: it is there now, in the place of something else that had its name, which is gone.
 * - `unchanged`: it was there already, equal.
 * - `conflict`: its name was taken by something else, so it is there as `name (1).ext`.
 * - `kept`: something as new or newer has its name and was to stay then; it was not restored.
 * - `infected`: its content was found infected after it was stored; it was not restored. `reason` is the signature.
 * - `failed`: it could not be restored; `reason` is a failure code or the system's.
 * - `missing`: no version of it was ever protected; `reason` is what became of the newest one.
 */
export type RestoreResult =
  | 'restored'
  | 'replaced'
  | 'unchanged'
  | 'conflict'
  | 'kept'
  | 'infected'
  | 'failed'
  | 'missing';

export interface RestoredItem {
  readonly entryId: Id;
  /** The version that was restored; for a missing entry the newest one. */
  readonly versionId?: Id;
  /** As in the source, relative to its root. */
  readonly path: Buffer;
  /** Unknown while an entry's first version is under way. */
  readonly kind?: EntryKind;
  readonly result: RestoreResult;
  /** Where it is, relative to the target folder. */
  readonly target?: Buffer;
  /** Of what failed, is infected or is missing. */
  readonly reason?: string;
  /** What is there with less than its whole metadata. */
  readonly warnings?: readonly MetadataProblem[];
  /** What became of the newest version, where an earlier one was restored because that one is not protected. */
  readonly older?: Outcome;
  /** Content of a file. */
  readonly sizeBytes: number;
  /** The sealed bytes are missing or not what was written. */
  readonly damaged: boolean;
}

/** Counts of items; `bytes` is the content of the files that were written, now or by an earlier run. */
export interface RestoreSummary {
  readonly entries: number;
  readonly restored: number;
  readonly replaced: number;
  readonly unchanged: number;
  readonly conflict: number;
  readonly kept: number;
  readonly infected: number;
  readonly failed: number;
  readonly missing: number;
  readonly older: number;
  readonly damaged: number;
  readonly bytes: number;
  /** How often each part of the metadata could not be set. */
  readonly warnings: Readonly<Partial<Record<MetadataProblem, number>>>;
}

export const emptySummary: RestoreSummary = {
  entries: 0,
  restored: 0,
  replaced: 0,
  unchanged: 0,
  conflict: 0,
  kept: 0,
  infected: 0,
  failed: 0,
  missing: 0,
  older: 0,
  damaged: 0,
  bytes: 0,
  warnings: {},
};

export function countItem(summary: RestoreSummary, item: RestoredItem): RestoreSummary {
  const isThere = !['failed', 'missing', 'kept', 'infected'].includes(item.result);
  const warnings = { ...summary.warnings };
  for (const kind of item.warnings ?? []) warnings[kind] = (warnings[kind] ?? 0) + 1;
  return {
    ...summary,
    entries: summary.entries + 1,
    [item.result]: summary[item.result] + 1,
    older: summary.older + (isThere && item.older !== undefined ? 1 : 0),
    damaged: summary.damaged + (item.damaged ? 1 : 0),
    bytes: summary.bytes + (isThere ? item.sizeBytes : 0),
    warnings,
  };
}

/** 4 when something was damaged, 3 when something else was not restored; what was never protected is no failure of restore. */
export function restoreExitCode({ damaged, failed, infected }: RestoreSummary): 0 | 3 | 4 {
  if (damaged > 0) return 4;
  return failed + infected > 0 ? 3 : 0;
}
