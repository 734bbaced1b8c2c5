import type { RestoreSummary } from '../restore/restored-item.ts';
import { restoreExitCode } from '../restore/restored-item.ts';
import type { FoundSource, RepositoryRead } from './read-repository.ts';

/**
 * How a recovery ended: 4 where something is not as it was written (an older state than the one known, manifests or objects
 * missing, sealed bytes damaged), 3 where something else could not be brought back, e.g. because its key is absent, else 0.
 */
export function recoveryExitCode(
  read: Pick<RepositoryRead, 'manifests' | 'unreadable'>,
  sources: readonly FoundSource[],
  restored: readonly RestoreSummary[],
): 0 | 3 | 4 {
  const codes = restored.map(restoreExitCode);
  if (sources.some(isIncomplete) || codes.includes(4)) return 4;
  return read.unreadable.length > 0 || read.manifests.contradictory > 0 || codes.includes(3) ? 3 : 0;
}

/** Whether the bucket lacks something that was there once. */
export function isIncomplete({ rollback, gaps, older, lost }: FoundSource): boolean {
  return isRolledBack(rollback) || gaps.some(({ covered }) => !covered) || older + lost > 0;
}

export const isRolledBack = (rollback: FoundSource['rollback']): boolean =>
  rollback === 'older' || rollback === 'forked';
