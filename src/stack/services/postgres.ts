import { existsSync, rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { Failure } from '../../domain/failures.ts';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { choosePorts } from '../ports.ts';
import { runCommand } from '../run.ts';
import { ensureSecret, writePrivate } from '../secrets.ts';
import { type SystemUser, serviceUser } from '../system-users.ts';
import type { PostgresTools } from '../toolchain/postgres-binaries.ts';
import type { Launch, ServiceSpec } from './service.ts';

/** The tables' owner and their database. The owner may make the other roles, but is no superuser. */
const owner = 'holdfast_owner';
const database = 'holdfast';
const superuser = 'postgres';

/**
 * Postgres on a loopback port and on a unix socket in its runtime folder, both with SCRAM passwords.
 *
 * `extra.uriFile` (0600) holds the owner's connection URI, `extra.socketDir` the folder of the unix socket.
 */
export function postgresService({
  paths,
  uid,
  tool,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: PostgresTools;
}): ServiceSpec {
  const secrets = path.join(paths.home, 'secrets');
  const uriFile = path.join(secrets, 'postgres-uri');
  const superuserPassword = () => ensureSecret(path.join(secrets, 'postgres-superuser'));
  const ownerPassword = () => ensureSecret(path.join(secrets, 'postgres-owner'));
  const asSuperuser = <Result>(launch: Launch, work: (client: pg.Client) => Promise<Result>) =>
    withClient(
      {
        host: launch.extra.socketDir,
        port: Number(launch.address.split(':')[1]),
        user: superuser,
        password: superuserPassword(),
        database: 'postgres',
      },
      work,
    );

  return {
    name: 'postgres',
    dependsOn: [],
    // A fast shutdown (postgres(1)): clients are disconnected, everything committed is on disk.
    stopSignal: 'SIGINT',
    stopGraceMs: 60_000,
    startTimeoutMs: 120_000,

    async prepare() {
      const user = await serviceUser('postgres', uid);
      const { data, runtime } = ensureServiceFolders(paths, 'postgres', user);
      const cluster = path.join(data, 'cluster');
      await initialise(tool, data, cluster, user, superuserPassword());
      const { main: port } = await choosePorts(paths, 'postgres', ['main']);
      // By the socket: over TCP both sides pay for every row that is written, also on one machine.
      const host = encodeURIComponent(runtime);
      writePrivate(uriFile, `postgresql://${owner}:${ownerPassword()}@${host}:${port}/${database}\n`);
      const settings = {
        listen_addresses: '127.0.0.1',
        port,
        unix_socket_directories: runtime,
        fsync: 'on',
        timezone: 'UTC',
        log_timezone: 'UTC',
        max_connections: 100,
        ...throughputSettings(totalmem()),
      };
      return {
        command: path.join(tool.bin, 'postgres'),
        args: [
          '-D',
          cluster,
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        cwd: data,
        env: serviceEnvironment(data),
        user,
        address: `127.0.0.1:${port}`,
        extra: { uriFile, socketDir: runtime },
      };
    },

    health: (launch) =>
      asSuperuser(launch, async (client) => (await client.query('SELECT 1')).rowCount === 1),

    whenAnswering: (launch) =>
      asSuperuser(launch, async (client) => {
        const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [owner]);
        if (roles.rowCount === 0) await client.query(`CREATE ROLE ${owner} LOGIN CREATEROLE`);
        await client.query(`ALTER ROLE ${owner} PASSWORD ${client.escapeLiteral(ownerPassword())}`);
        const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
        if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${database} OWNER ${owner}`);
      }),
  };
}

const mebibyte = 1024 * 1024;

/**
 * What a first sweep of a large source needs: with Postgres' defaults one of a million files had a checkpoint every ten
 * seconds, after each of which every page of an index goes to the write-ahead log whole once more: 52 GB in all.
 *
 * @param memoryBytes of this machine
 */
export function throughputSettings(memoryBytes: number) {
  const cacheMebibytes = Math.floor(memoryBytes / 16 / mebibyte);
  return {
    shared_buffers: `${Math.min(256, Math.max(128, cacheMebibytes))}MB`,
    wal_buffers: '16MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    // No statement is worth a compiler.
    jit: 'off',
  };
}

/** Makes the cluster once: data checksums, UTF-8 with the built-in C.UTF-8 rules, SCRAM for every connection. */
async function initialise(
  tool: PostgresTools,
  data: string,
  cluster: string,
  user: SystemUser | undefined,
  password: string,
): Promise<void> {
  const marker = path.join(data, 'initialised');
  if (existsSync(marker)) return;
  // Without the marker a cluster is half made: a crash during initdb, before anything used it.
  rmSync(cluster, { recursive: true, force: true });
  const passwordFile = path.join(data, 'initial-password');
  writePrivate(passwordFile, `${password}\n`, user);
  try {
    const { code, stderr } = await runCommand(
      path.join(tool.bin, 'initdb'),
      [
        '--pgdata',
        cluster,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--data-checksums',
      ],
      { cwd: data, env: serviceEnvironment(data), ...user },
    );
    if (code !== 0) throw new Failure('tool_failed', { what: 'The Postgres cluster', detail: stderr.trim() });
    writePrivate(marker, '');
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function withClient<Result>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 4_000 });
  // An error while idle (the server goes away) is seen by the next query.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
