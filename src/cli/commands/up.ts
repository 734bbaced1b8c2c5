import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, isFailure } from '../../domain/failures.ts';
import { openInstallation } from '../../installation.ts';
import { policyStanding } from '../../policy/installed.ts';
import { isOurs, type ServiceName, serviceNames } from '../../stack/compose.ts';
import { supervisorStatus } from '../../stack/control.ts';
import { lastFailure, lastFailureFile } from '../../stack/daemon-failure.ts';
import { spawnDetached, waitHealthy } from '../../stack/detach.ts';
import { ensureFolders } from '../../stack/folders.ts';
import { ensureTools, toolServices } from '../../stack/toolchain.ts';
import { detail, say } from '../../text/voice.ts';
import { watchingNotes } from '../../watcher/watching.ts';
import { localTime, table } from '../output.ts';
import { installationPassword, type Session, sessionConfig } from '../session.ts';
import { word } from '../words.ts';

export interface UpOptions {
  readonly only?: string;
  readonly watch: boolean;
  readonly foreground?: boolean;
}

/** Starts the services in the background and returns when all are healthy; in the foreground, when they were stopped. */
export async function runUp(session: Session, options: UpOptions): Promise<void> {
  const { paths, output, configPath } = session;
  const config = sessionConfig(session);
  const wanted = wantedServices(options);
  const password = await installationPassword(session, config);
  // Opened here too, so that a wrong password is an answer of this command and not of a background process.
  await openInstallation(paths, configPath, password);
  const running = await supervisorStatus(paths);
  if (running !== undefined) throw new Failure('already_running', { pid: running.pid });
  ensureFolders(paths, session.uid);
  const tools = { uid: session.uid, searchPath: session.env.PATH ?? '' };
  await ensureTools(
    paths,
    { ...tools, onProgress: (line) => output.note(detail(line)) },
    toolServices.filter((name) => isOurs(config, name)),
  );

  rmSync(lastFailureFile(paths), { force: true });
  if (options.foreground) {
    const { supervise } = await import('./supervise.ts');
    return supervise(session, wanted, password, true);
  }
  const daemon = await spawnDetached(
    process.execPath,
    [process.argv[1] ?? '', '--config', configPath, 'supervise', '--services', wanted.join(',')],
    { stdinSecret: password, logFile: join(paths.home, 'logs', 'supervisor.log') },
  );
  const embedded = wanted.filter((name) => isOurs(config, name));
  output.note(say('status', 'starting', { services: embedded.join(', ') }));
  try {
    const status = await waitHealthy(paths, embedded, daemon);
    output.value(status);
    output.line(
      table(Object.entries(status.services).map(([name, row]) => [name, word('healthy'), row.address])),
    );
    const ui = status.services.temporal?.ui;
    if (typeof ui === 'string') output.line(say('status', 'web_ui', { address: ui }));
    const refused = policyStanding(paths.home)?.refused;
    if (refused !== undefined) output.line(say('status', 'policy_kept', { detail: refused.detail }));
    if (wanted.includes('watcher'))
      for (const [source, note] of await watchingNotes(config.sources))
        output.line(say('status', 'source_note', { source, note }));
    output.line(say('status', 'up_stop_with', { since: localTime(new Date(status.startTime)) }));
  } catch (error) {
    throw (isFailure(error, 'service_unhealthy') && lastFailure(paths)) || error;
  }
}

function wantedServices({ only, watch }: UpOptions): ServiceName[] {
  const named = only?.split(',').map((name) => name.trim()) ?? [...serviceNames];
  const unknown = named.find((name) => !(serviceNames as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new Failure('usage', {
      detail: say('status', 'service_unknown', { name: unknown, names: serviceNames.join(', ') }),
    });
  }
  return serviceNames.filter((name) => named.includes(name) && (watch || name !== 'watcher'));
}
