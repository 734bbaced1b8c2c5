import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  type Stats,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { Failure } from '../domain/failures.ts';
import { makeFolder } from '../files/make-folder.ts';
import { homeDigest, type Paths } from './paths.ts';
import type { SystemUser } from './system-users.ts';
import { withFolder } from './unusable-folder.ts';

/**
 * Makes the folders every command needs: the state folder (0711 for root, so that services under their own users
 * can pass through to their data; 0700 otherwise), its private parts, and the folder of the sockets. Failures:
 * `folder_unusable`, `folder_not_ours`.
 */
export function ensureFolders(paths: Paths, uid: number): void {
  const passable = uid === 0 ? 0o711 : 0o700;
  withFolder(paths.home, (home) => makeFolder(home, passable));
  for (const name of ['secrets', 'logs', 'run']) makeFolder(path.join(paths.home, name));
  withFolder(paths.runtime, (runtime) => makeFolder(runtime, passable));
  const found = lstatSync(paths.runtime);
  // The folder may be in /tmp, where somebody else could have made it first.
  if (!found.isDirectory() || found.uid !== uid) {
    throw new Failure('folder_not_ours', { folder: paths.runtime });
  }
  chmodSync(paths.runtime, passable);
}

/** The folders of one service, private to `user` (this process's own user if none is given). */
export interface ServiceFolders {
  /** Its data: survives restarts and reboots. */
  readonly data: string;
  /** Its sockets. */
  readonly runtime: string;
}

/** Makes the folders of service `name`, owned by `user`, mode 0700. */
export function ensureServiceFolders(
  paths: Paths,
  name: string,
  user: SystemUser | undefined,
): ServiceFolders {
  const data = path.join(dataRoot(paths, user !== undefined), name);
  const runtime = path.join(paths.runtime, name);
  for (const folder of [data, runtime]) privateFolder(folder, user);
  return { data, runtime };
}

/** Makes `folder` (its parent exists) private to `user`. */
export function privateFolder(folder: string, user: SystemUser | undefined): void {
  makeFolder(folder);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}

/**
 * Where the services' data lies: `<home>/data`. Where another user could not pass through to it (a 0700 folder
 * above, with services under their own users), that name is a link to a folder of /var/lib/holdfast-data. The link
 * alone decides: a state folder that was deleted and made anew never meets the data of the old one.
 */
function dataRoot(paths: Paths, hasOtherUsers: boolean): string {
  const inHome = path.join(paths.home, 'data');
  const found = lstat(inHome);
  if (found?.isSymbolicLink()) return path.resolve(paths.home, readlinkSync(inHome));
  if (found === undefined && hasOtherUsers && !isPassable(paths.home)) {
    const elsewhere = newFolder('/var/lib/holdfast-data', homeDigest(paths.home));
    symlinkSync(elsewhere, inHome);
    return elsewhere;
  }
  makeFolder(inHome, hasOtherUsers ? 0o711 : 0o700);
  return inHome;
}

function newFolder(parent: string, name: string): string {
  makeFolder(parent, 0o711);
  for (let attempt = 1; ; attempt += 1) {
    const folder = path.join(parent, attempt === 1 ? name : `${name}-${attempt}`);
    try {
      mkdirSync(folder, { mode: 0o711 });
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Whether every user may pass through `folder` and all folders above it. */
export function isPassable(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false;
  const parent = path.dirname(folder);
  return parent === folder || isPassable(parent);
}

function lstat(file: string): Stats | undefined {
  return lstatSync(file, { throwIfNoEntry: false });
}
