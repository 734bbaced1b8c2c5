import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';

/** What the system says of a folder that this user cannot have there, whatever is done about the disk. */
const reasons: ReadonlySet<string> = new Set([
  'EACCES',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOTDIR',
  'EPERM',
]);

/** Does something with a folder of the installation. Failure `folder_unusable` where the system does not let it. */
export function withFolder<T>(folder: string, work: (folder: string) => T): T {
  try {
    return work(folder);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || !reasons.has(code)) throw error;
    throw new Failure('folder_unusable', { folder, code }, { cause: error });
  }
}
