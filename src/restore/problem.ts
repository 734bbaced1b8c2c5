import { Failure, type FailureCode, failures, isFailure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';

/** What ends the whole restore, because the next entry would meet it too. */
export const endings: readonly FailureCode[] = [
  'interrupted',
  'catalog_unavailable',
  's3_unavailable',
  's3_denied',
  's3_wrong_region',
  'bucket_missing',
  'out_of_handles',
  'target_full',
  'internal',
];

/** What is wrong with one entry, when the others can go on. */
export interface EntryProblem {
  /** A failure code, or the system's, e.g. `EACCES`. */
  readonly reason: string;
  /** The stored bytes are missing or not what was written. */
  readonly damaged: boolean;
}

/** Sorts an error: given back when it is about this entry only, thrown when it ends the restore or is a defect. */
export function entryProblem(error: unknown): EntryProblem {
  if (isFailure(error)) {
    if (endings.includes(error.code)) throw error;
    return { reason: error.code, damaged: failures[error.code].exitCode === 4 };
  }
  const code = errorCode(error);
  if (code === undefined) throw error;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw new Failure('target_full', {}, { cause: error });
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') {
    throw new Failure('out_of_handles', { detail: code }, { cause: error });
  }
  return { reason: code, damaged: false };
}
