import { buffer } from 'node:stream/consumers';
import { openInstallation } from '../../installation.ts';
import { describeError } from '../../observability/log.ts';
import { composeServices, type ServiceName } from '../../stack/compose.ts';
import { keepFailure } from '../../stack/daemon-failure.ts';
import { Supervisor } from '../../stack/supervisor.ts';
import type { Session } from '../session.ts';

/** The background process behind `up`: runs the services until it is told to stop. The password is its standard input. */
export async function runSupervise(session: Session, options: { readonly services: string }): Promise<void> {
  const { paths, output, uid, env, configPath } = session;
  const log = (message: string, facts: object = {}): void =>
    output.note(JSON.stringify({ time: new Date().toISOString(), message, ...facts }));
  try {
    let password: Buffer = await buffer(process.stdin);
    const installation = await openInstallation(paths, configPath, password);
    const services = await composeServices({
      installation,
      configPath,
      password: () => password,
      wanted: new Set(options.services.split(',') as ServiceName[]),
      uid,
      searchPath: env.PATH ?? '',
      onProgress: log,
      onWarning: log,
    });
    const supervisor = new Supervisor({
      paths,
      uid,
      services,
      log,
      async onNewSecret(secret) {
        await openInstallation(paths, configPath, secret);
        password = secret;
      },
    });
    const stop = (): void => void supervisor.stop();
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    await supervisor.start();
    log('all services are healthy');
    await supervisor.stopped;
  } catch (error) {
    keepFailure(paths, error);
    log('ended', { error: describeError(error) });
    throw error;
  }
}
