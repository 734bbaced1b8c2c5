import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openInstallation } from '../../installation.ts';
import { followLogs, isJournal } from '../../logs/follow.ts';
import { createLog, withoutPaths } from '../../observability/log.ts';
import { composeServices, type ServiceName } from '../../stack/compose.ts';
import { keepFailure } from '../../stack/daemon-failure.ts';
import { Supervisor } from '../../stack/supervisor.ts';
import { say } from '../../text/voice.ts';
import type { Session } from '../session.ts';

/** The background process behind `up`: runs the services until it is told to stop. The password is its standard input. */
export async function runSupervise(session: Session, options: { readonly services: string }): Promise<void> {
  await supervise(session, options.services.split(',') as ServiceName[], await buffer(process.stdin));
}

/**
 * Runs the services until it is told to stop. `isForeground`: says on standard output what our processes log. Failures:
 * those of the services' start.
 */
export async function supervise(
  session: Session,
  services: readonly ServiceName[],
  givenPassword: Buffer,
  isForeground = false,
): Promise<void> {
  const { paths, uid, env, configPath } = session;
  const log = createLog('supervisor', join(paths.home, 'logs', 'supervisor.log'));
  let following: ReturnType<typeof followLogs> | undefined;
  try {
    let password = givenPassword;
    const installation = await openInstallation(paths, configPath, password);
    const { logs } = installation.config;
    log.level = logs.level;
    following = followLogs({
      ...{ home: paths.home, config: logs, log },
      echo: isForeground
        ? {
            write: (line) => process.stdout.write(`${line}\n`),
            forJournal: isJournal(env.JOURNAL_STREAM, 1),
          }
        : undefined,
    });
    const composed = await composeServices({
      installation,
      configPath,
      password: () => password,
      wanted: new Set(services),
      uid,
      searchPath: env.PATH ?? '',
      onProgress: (message) => log.info(withoutPaths(message)),
      onWarning: (message) => log.warn(withoutPaths(message)),
    });
    const supervisor = new Supervisor({
      paths,
      uid,
      services: composed,
      log: (message, facts) => log.warn(facts, message),
      rotation: { maxBytes: logs.maxSize, maxAgeMs: logs.maxAge, keep: logs.keep },
      beforeRotation: (file) => following?.beforeRotation(file),
      async onNewSecret(secret) {
        await openInstallation(paths, configPath, secret);
        password = secret;
      },
    });
    const stop = (): void => void supervisor.stop();
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    await supervisor.start();
    log.info(say('schedules', 'all_healthy'));
    await supervisor.stopped;
    log.info(say('schedules', 'all_stopped'));
  } catch (error) {
    keepFailure(paths, error);
    log.error({ err: error }, 'the supervisor ended');
    throw error;
  } finally {
    await following?.stop();
  }
}
