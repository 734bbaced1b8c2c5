import { realpathSync, statSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { errorCode } from './error-code.ts';

/**
 * A source's tree, by the identity it had when it was opened.
 *
 * Paths are bytes. Everything below a root is named by a path relative to it: `/` between names, no leading `/`,
 * empty for the root itself.
 */
export interface SourceRoot {
  /** Absolute path as configured. */
  readonly path: Buffer;
  /** Absolute path without symbolic links; every opened file must lie under it. */
  readonly realPath: Buffer;
  /** `st_dev` and `st_ino` of the root folder. */
  readonly device: bigint;
  readonly inode: bigint;
  /** True when folders on another device than the root's are not part of the source. */
  readonly oneFileSystem: boolean;
}

/** `absent`: nothing reachable there. `changed`: another folder is there, e.g. the empty mount point. */
export type RootState = 'present' | 'absent' | 'changed';

/**
 * Opens a source by its absolute path, following links in it.
 * Throws Failure `source_unavailable` when there is no readable folder.
 */
export async function openRoot(
  path: string | Buffer,
  options: { oneFileSystem?: boolean } = {},
): Promise<SourceRoot> {
  const bytes = Buffer.from(path);
  try {
    const realPath = realpathSync.native(bytes, 'buffer');
    const stat = statSync(realPath, { bigint: true });
    if (!stat.isDirectory()) throw new Failure('source_unavailable', { detail: 'it is not a folder' });
    return {
      path: bytes,
      realPath,
      device: stat.dev,
      inode: stat.ino,
      oneFileSystem: options.oneFileSystem ?? false,
    };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Failure('source_unavailable', { detail: code }, { cause: error });
  }
}

/** Whether the folder the root was opened on is still the one at its path. */
export function checkRoot(root: SourceRoot): RootState {
  try {
    const stat = statSync(root.path, { bigint: true });
    return stat.dev === root.device && stat.ino === root.inode ? 'present' : 'changed';
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return 'absent';
  }
}
