import { type FailureCode, isFailure } from '../domain/failures.ts';

/** What says that a destination cannot take anything now, and nothing of what was to go there. */
const awayCodes: readonly FailureCode[] = [
  's3_unavailable',
  's3_denied',
  's3_wrong_region',
  'bucket_missing',
  'bucket_without_lock',
];
/** What a destination did to a single object. */
const faultCodes: readonly FailureCode[] = [
  's3_corrupt',
  'lock_mismatch',
  'lock_refused',
  'planted_object',
  'object_missing',
];

/** `away`: it takes nothing now. `fault`: it did not do with one object what it should have. */
export type Trouble = 'away' | 'fault';

/** How an error keeps a destination from taking a version; undefined where it is not the destination's. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (!isFailure(error)) return undefined;
  if (awayCodes.includes(error.code)) return 'away';
  return faultCodes.includes(error.code) ? 'fault' : undefined;
}
