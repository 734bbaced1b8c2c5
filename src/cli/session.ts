import type { Client } from '@temporalio/client';
import { noteDeed } from '../audit/deeds.ts';
import { Catalog } from '../catalog/catalog.ts';
import { openPool } from '../catalog/database.ts';
import { type Config, readConfig } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import { type Installation, openInstallation } from '../installation.ts';
import { supervisorStatus } from '../stack/control.ts';
import { type Endpoints, endpoints, runningFrom } from '../stack/endpoints.ts';
import type { Paths } from '../stack/paths.ts';
import type { Output } from './output.ts';
import { type PasswordSources, readPassword } from './password.ts';

/** What every command is given: where the installation is, and how to talk. */
export interface Session extends PasswordSources {
  readonly paths: Paths;
  readonly configPath: string;
  readonly output: Output;
  /** Who runs the command, as the audit trail names them. */
  readonly actor: string;
  readonly uid: number;
  /** As it was typed, without arguments: `key rotate`. */
  readonly command: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export const sessionConfig = (session: Session): Config => readConfig(session.configPath);

/** Opens the installation with the password, `given` or looked for. Exit code 6 for a missing or wrong one. */
export async function unlock(session: Session, given?: Buffer): Promise<Installation> {
  const password = given ?? (await installationPassword(session, sessionConfig(session)));
  const installation = await openInstallation(session.paths, session.configPath, password);
  const { holder, openedGeneration: generation } = installation.keyring;
  const { actor, command } = session;
  const facts = { action: 'unlock', command, holder, generation };
  noteDeed(session.paths.home, { step: 'keyring', actor, facts });
  return installation;
}

/** What opens the installation; nothing on a write-only host, whose key file does. */
export async function installationPassword(session: Session, config: Config): Promise<Buffer> {
  return config.writeOnly ? Buffer.alloc(0) : readPassword(session, config.passwordFile);
}

/** Failure `write_only_host` (exit code 6) where content is asked for that this host cannot open. */
export function requireReader(config: Config): void {
  if (config.writeOnly) throw new Failure('write_only_host');
}

/** Where the services are, as far as they run. Failure `service_not_running` when one that is needed does not. */
export async function locate(session: Session): Promise<Endpoints> {
  return endpoints(sessionConfig(session), session.paths, runningFrom(await supervisorStatus(session.paths)));
}

/** Runs `work` with the catalog open. */
export async function withCatalog<T>(
  session: Session,
  work: (catalog: Catalog, where: Endpoints) => Promise<T>,
): Promise<T> {
  const where = await locate(session);
  const catalog = new Catalog(await openPool({ ...where.catalogWriter, maxConnections: 4 }));
  try {
    await catalog.ping();
    return await work(catalog, where);
  } finally {
    await catalog.close();
  }
}

/** Runs `work` with a Temporal client whose payloads are encrypted with the repository's keys. */
export async function withTemporal<T>(
  installation: Installation,
  where: Endpoints,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  // Loading the SDK takes a good part of a second; commands that only read the catalog need not pay for it.
  const { connectClient } = await import('../temporal/connect.ts');
  const client = await connectClient(where.temporal, installation.keyring.root.payload);
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}
