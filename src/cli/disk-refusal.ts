import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';

/** What a disk says that is full, over quota, or mounted for reading only. */
const refusals: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Failure `disk_refuses` for an error by which a disk takes nothing; undefined for any other. */
export function diskRefusal(error: unknown): Failure | undefined {
  const code = errorCode(error);
  if (code === undefined || !refusals.has(code)) return undefined;
  // Where a write fails, not an opening, the system names no file.
  const { path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? '' : `, ${path}`;
  return new Failure('disk_refuses', { code, where }, { cause: error });
}
