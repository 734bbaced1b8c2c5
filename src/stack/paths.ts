import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../domain/failures.ts';
import { withFolder } from './unusable-folder.ts';

/** The folders one installation works in. All absolute; `home` and `cache` may be long and hold spaces. */
export interface Paths {
  /** The state of this installation: configuration, secrets, logs, data. */
  readonly home: string;
  /** Built and unpacked tools, shared by every installation of this user. */
  readonly cache: string;
  /** Sockets. Short, because a socket's path ends at 107 bytes; gone after a reboot. */
  readonly runtime: string;
}

/** Longest socket path below `runtime` in bytes, with room for any client that adds to it. */
export const socketPathLimitBytes = 99;
/** The longest name the services give a socket below `runtime`, folder included. */
const longestSocketName = 'postgres/.s.PGSQL.65535.lock';

/**
 * Where this installation lives: root in /var and /run, others in the XDG folders (XDG Base Directory 0.8; a
 * relative value is ignored, as it says). `HOLDFAST_HOME` overrides the state folder. Symbolic links are
 * resolved, so two names of one folder are one installation. Failures: `usage`, `folder_unusable`.
 */
export function resolvePaths(env: NodeJS.ProcessEnv, uid: number): Paths {
  const isRoot = uid === 0;
  const home = withFolder(
    chosenHome(env.HOLDFAST_HOME) ??
      (isRoot ? '/var/lib/holdfast' : xdg(env, 'XDG_STATE_HOME', '.local/state')),
    realPath,
  );
  const cache = withFolder(isRoot ? '/var/cache/holdfast' : xdg(env, 'XDG_CACHE_HOME', '.cache'), realPath);
  const installation = homeDigest(home);
  return { home, cache, runtime: runtimeFolder(env, uid, installation) };
}

/** The configuration, where none is named. */
export const configFile = (home: string): string => path.join(home, 'holdfast.yaml');

/** What a running worker does for commands, so that they need not open keys and connections of their own. */
export const workerSocket = ({ runtime }: Paths): string => path.join(runtime, 'worker.sock');

/** 12 hex digits that stand for a state folder in names that must be short. */
export function homeDigest(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12);
}

function chosenHome(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : path.resolve(value);
}

function xdg(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const chosen = env[variable];
  if (chosen !== undefined && path.isAbsolute(chosen)) return path.join(chosen, 'holdfast');
  if (env.HOME === undefined || !path.isAbsolute(env.HOME)) {
    throw new Failure('usage', { detail: 'HOME is not set: set it, or HOLDFAST_HOME and XDG_CACHE_HOME.' });
  }
  return path.join(env.HOME, fallback, 'holdfast');
}

function runtimeFolder(env: NodeJS.ProcessEnv, uid: number, installation: string): string {
  if (uid === 0) return `/run/holdfast/${installation}`;
  const chosen = env.XDG_RUNTIME_DIR;
  if (chosen !== undefined && path.isAbsolute(chosen)) {
    const folder = path.join(chosen, 'holdfast', installation);
    if (Buffer.byteLength(path.join(folder, longestSocketName)) <= socketPathLimitBytes) return folder;
  }
  return `/tmp/holdfast-${uid}-${installation}`;
}

/** The real path of `wanted`, of which the last names may not exist yet. */
function realPath(wanted: string): string {
  try {
    return realpathSync(wanted);
  } catch (error) {
    const parent = path.dirname(wanted);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === wanted) throw error;
    return path.join(realPath(parent), path.basename(wanted));
  }
}
