import type { Id } from '../../src/domain/records.ts';
import type { Given, Protected, TestRepository } from '../restore/repository.ts';

/** A day of November, at midnight in Greenwich. */
export const day = (number: number): Date => new Date(Date.UTC(2026, 10, number));

/** Adds one more version of the entry at `path`, observed on a day of November. */
export async function addObserved(
  repository: TestRepository,
  path: string | Buffer,
  observed: number,
  given: Given = {},
): Promise<Protected> {
  const added = await repository.add(path, given);
  await repository.catalog.rows('update versions set observed_at = $2 where id = $1', [
    added.versionId,
    day(observed),
  ]);
  return added;
}

/** Takes a version's outcome back, as if the pipeline were at it still. */
export async function reopen(repository: TestRepository, versionId: Id): Promise<void> {
  await repository.catalog.rows('update versions set outcome = null where id = $1', [versionId]);
}
