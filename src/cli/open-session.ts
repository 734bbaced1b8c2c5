import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { configFile, resolvePaths } from '../stack/paths.ts';
import type { Output } from './output.ts';
import type { PasswordSources } from './password.ts';
import type { Session } from './session.ts';

/** Loads nothing that only some commands need: each of them is started anew for everything it does. */
export function openSession(
  env: NodeJS.ProcessEnv,
  configOption: string | undefined,
  output: Output,
  signal: AbortSignal,
  { command, ...passwords }: Omit<PasswordSources, 'env'> & Pick<Session, 'command'>,
): Session {
  const uid = process.getuid?.() ?? 0;
  const paths = resolvePaths(env, uid);
  return {
    paths,
    configPath: configOption === undefined ? configFile(paths.home) : resolve(configOption),
    output,
    actor: userInfo().username,
    uid,
    command,
    env,
    ...passwords,
    signal,
  };
}
