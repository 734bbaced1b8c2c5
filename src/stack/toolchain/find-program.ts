import { accessSync, constants, realpathSync } from 'node:fs';
import path from 'node:path';
import { isPassable } from '../folders.ts';

/** Folders of system programs that an ordinary user's PATH often lacks. */
export const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * The path of `program` in the folders of `searchPath` (colon-separated) and `more`, or undefined. With
 * `forEveryUser`, only a program that other users can reach and run counts.
 */
export function findProgram(
  program: string,
  searchPath: string,
  { more = [], forEveryUser }: { more?: readonly string[]; forEveryUser: boolean },
): string | undefined {
  const folders = [...searchPath.split(':').filter((folder) => path.isAbsolute(folder)), ...more];
  return folders
    .map((folder) => path.join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return !forEveryUser || isPassable(realpathSync(file));
      } catch {
        return false;
      }
    });
}
