/** How much of a source went away lately. */
export interface DeletionLoad {
  /** Tombstones within the last ten minutes (or one sweep), without the one being asked about. */
  readonly deletedLately: number;
  /** Entries that stood before them: those that stand now and those gone within that time. */
  readonly entries: number;
}

export interface DeletionLimits {
  /** At most so many may go, however large the source is. */
  readonly most: number;
  /** At most this share may go, 0 to 1, but `fewest` always may. */
  readonly share: number;
  /** Fewer than these never count as too many. */
  readonly fewest: number;
}

/** More entries than these never go without a word. */
export const mostDeletions = 1_000;

const deletionLimits: DeletionLimits = { most: mostDeletions, share: 0.1, fewest: 50 };

/**
 * Whether one more tombstone may be written. Too many at once look like a lost mount or an attack: more than 1,000,
 * or more than 10 % and at least 50. Then the watcher writes none and leaves the decision to a confirmed sweep.
 */
export function allowsDeletion(load: DeletionLoad, limits: DeletionLimits = deletionLimits): boolean {
  const deleted = load.deletedLately + 1;
  if (deleted > limits.most) return false;
  return deleted < limits.fewest || deleted <= load.entries * limits.share;
}
