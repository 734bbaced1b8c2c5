import { Failure } from '../domain/failures.ts';
import { isProgramMissing, runCommand } from './run.ts';

/** A user a service runs as. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** `useradd`'s exit code for a name that is taken (useradd(8)): another bootstrap was faster. */
const nameInUse = 9;

/**
 * The system user `holdfast-<service>`, made if it does not exist, when this process is root; undefined otherwise,
 * because then a service can only run as the user who starts it.
 */
export async function serviceUser(service: string, uid: number): Promise<SystemUser | undefined> {
  if (uid !== 0) return undefined;
  const name = `holdfast-${service}`;
  const found = await lookUp(name);
  if (found !== undefined) return found;
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  try {
    const made = await runCommand('useradd', [...args, '--shell', '/usr/sbin/nologin', name]);
    if (made.code !== 0 && made.code !== nameInUse) {
      throw new Failure('tool_failed', { what: `The system user ${name}`, detail: made.stderr.trim() });
    }
  } catch (error) {
    if (!isProgramMissing(error)) throw error;
    throw new Failure('tool_missing', { what: 'useradd', command: 'apt-get install passwd' });
  }
  const user = await lookUp(name);
  if (user === undefined) throw new Error(`useradd made no user ${name}`);
  return user;
}

async function lookUp(name: string): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => runCommand('id', [flag, name])));
  if (uid?.code !== 0 || gid?.code !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
