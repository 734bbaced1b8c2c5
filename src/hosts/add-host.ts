import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type pg from 'pg';
import { admitHost } from '../catalog/host-query.ts';
import { type Config, type DestinationConfig, embeddedRegion, type TlsFiles } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { Installation } from '../installation.ts';
import { allowRoles } from '../stack/bucket-roles.ts';
import { connectionOf, type Endpoints } from '../stack/endpoints.ts';
import { readSecret } from '../stack/secrets.ts';
import { gateCertificate, openGateTo } from '../stack/services/gate.ts';
import { writeS3Accounts } from '../stack/services/s3.ts';
import { ensureHostCredentials, s3CredentialFiles } from '../stack/services/s3-roles.ts';
import { certifiedName, makeCertificate } from './certificate.ts';
import type { JoinFile, JoinS3, JoinTls } from './join-file.ts';
import { destinationSettings, sharedSettings } from './shared-settings.ts';

export interface NewHost {
  readonly id: Id;
  readonly name: string;
  /** Queue group of its sources that name none; its own where it is left out. */
  readonly group: string | undefined;
  /** It protects what it cannot read: it is not given the keyring. */
  readonly writeOnly: boolean;
  /** AWS-format files by destination, for servers that this installation does not run. */
  readonly credentials: ReadonlyMap<string, string>;
  /** Who adds it. */
  readonly actor: string;
}

interface Adding {
  readonly installation: Installation;
  readonly configPath: string;
  readonly where: Endpoints;
  /** As the tables' owner. */
  readonly owner: pg.Pool;
  readonly uid: number;
}

/**
 * Lets a new host into the cluster, with credentials of its own for every service, and gives what it is to be handed.
 * Everything that can be refused is refused before anything is made. Failures `not_listening`, `usage`, `tool_missing`.
 */
export async function addHost(adding: Adding, host: NewHost): Promise<JoinFile> {
  const { installation, where, owner, uid } = adding;
  const { config, paths, keyringDocuments, hostDocuments } = installation;
  const certificate = await makeCertificate();
  const gate: JoinTls = {
    ca: (await gateCertificate(paths)).certificate,
    certificate: certificate.certificate,
    key: certificate.key,
    serverName: certifiedName,
  };
  requireReachable(config, host);
  const temporal = joinedTemporal(config, gate);
  const shared = await sharedSettings(config, adding.configPath, paths.home);
  const databaseRole = `holdfast_host_${host.id.slice(0, 16)}`;
  const password = randomBytes(24).toString('base64url');
  const postgres = joinedPostgres(config, where, { databaseRole, password }, gate);

  await admitHost(owner, {
    ...{ id: host.id, name: host.name, group: host.group ?? host.id },
    ...{ databaseRole, password, addedBy: host.actor },
  });
  const s3 = (destination: DestinationConfig): JoinS3 => joinedS3(adding, host, destination, gate);
  const common = config.destinations.find((destination) => destination.s3 === undefined);
  const commonS3 = common && s3(common);
  const destinations = config.destinations.map((destination) => ({
    settings: destinationSettings(adding.configPath, destination.name),
    ...(destination.s3 === undefined ? {} : { s3: s3(destination) }),
  }));
  await openGateTo(paths, uid, host.id, certificate.certificate);
  if (config.services.s3.mode === 'embedded') {
    await writeS3Accounts(paths, uid);
    await allowS3Roles(config, where, installation);
  }
  return {
    v: 1,
    kind: 'holdfast host',
    repository: config.repository,
    host: { id: host.id, name: host.name, ...(host.group === undefined ? {} : { group: host.group }) },
    keyring: (host.writeOnly ? [] : [...keyringDocuments, ...hostDocuments]).map(({ name, bytes }) => ({
      name,
      bytes: bytes.toString('base64'),
    })),
    temporal,
    postgres,
    ...(commonS3 === undefined ? {} : { s3: commonS3 }),
    destinations,
    ...shared,
  };
}

/** Failures `not_listening`, and `usage` where an S3 server of somebody else's has no keys for the new host. */
function requireReachable(config: Config, { credentials }: NewHost): void {
  const { temporal, postgres, s3 } = config.services;
  for (const [service, { mode }] of Object.entries({ temporal, postgres, s3 }))
    if (mode === 'embedded') doorOf(config.listen, service as 'temporal' | 'postgres' | 's3');
  for (const destination of config.destinations) {
    if (connectionOf(config, destination) === 'embedded' || credentials.has(destination.name)) continue;
    throw new Failure('usage', {
      detail: `The S3 server of ${destination.name} is not run here: make a user there with the rights of ops/iam/agent.json on the bucket ${destination.bucket}, and give its keys with --credentials ${destination.name}=FILE.`,
    });
  }
}

/** Gives the roles and the hosts that there are now, and nobody else, their rights on every bucket of the embedded server. */
export async function allowS3Roles(
  config: Config,
  where: Endpoints,
  { paths }: Pick<Installation, 'paths'>,
): Promise<void> {
  for (const destination of config.destinations) {
    if (connectionOf(config, destination) === 'embedded')
      await allowRoles(where.s3(destination, 'owner'), paths);
  }
}

function joinedTemporal({ services: { temporal }, listen }: Config, gate: JoinTls): JoinFile['temporal'] {
  if (temporal.mode === 'embedded') {
    return { address: doorOf(listen, 'temporal'), namespace: 'holdfast', tls: gate };
  }
  const { address, namespace, apiKeyFile } = temporal;
  return {
    ...{ address, namespace },
    ...(temporal.tls === undefined ? {} : { tls: textsOf(temporal.tls) }),
    ...(apiKeyFile === undefined ? {} : { apiKey: readSecret(apiKeyFile) }),
  };
}

function joinedPostgres(
  { services: { postgres }, listen }: Config,
  where: Endpoints,
  role: { databaseRole: string; password: string },
  gate: JoinTls,
): JoinFile['postgres'] {
  const uri = new URL(where.catalogWriter.uri);
  uri.username = role.databaseRole;
  uri.password = role.password;
  if (postgres.mode === 'external') return { uri: uri.href, tls: textsOf(postgres) };
  uri.host = doorOf(listen, 'postgres');
  return { uri: uri.href, tls: gate };
}

function joinedS3(
  { installation: { config, paths } }: Adding,
  { id, credentials }: NewHost,
  destination: DestinationConfig,
  gate: JoinTls,
): JoinS3 {
  const connection = connectionOf(config, destination);
  if (connection === 'embedded') {
    const { accessKeyId, secretAccessKey } = ensureHostCredentials(s3CredentialFiles(paths.home), id);
    return {
      endpoint: `https://${doorOf(config.listen, 's3')}`,
      region: embeddedRegion,
      pathStyle: true,
      credentials: `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      tls: gate,
    };
  }
  const { endpoint, region, pathStyle } = connection;
  const keys = readFileSync(credentials.get(destination.name) ?? '', 'utf8');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...{ region, pathStyle, credentials: keys, tls: textsOf(connection) },
  };
}

function doorOf(listen: Config['listen'], service: 'temporal' | 'postgres' | 's3'): string {
  if (listen === undefined) throw new Failure('not_listening', { service });
  const { address, ports } = listen;
  return `${isIPv6(address) ? `[${address}]` : address}:${ports[service]}`;
}

function textsOf({ caFile, certFile, keyFile, serverName }: TlsFiles): JoinTls {
  const text = (file: string) => readFileSync(file, 'utf8');
  return {
    ...(caFile === undefined ? {} : { ca: text(caFile) }),
    ...(certFile === undefined ? {} : { certificate: text(certFile) }),
    ...(keyFile === undefined ? {} : { key: text(keyFile) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}
