/** A Temporal server as one runs it oneself: all four services in one process, its history in Postgres. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { stringify } from 'yaml';
import { runCommand } from '../../src/stack/run.ts';
import { builtGoPrograms } from './go-program.ts';
import type { TestInstallation } from './installation.ts';
import { registerNamespace, withConnection } from './temporal-namespace.ts';
import { until } from './until.ts';

/** A role that may make databases, reached over TCP. */
export interface DatabaseServer {
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
}

export interface SelfHostedTemporal {
  /** `host:port` of the frontend. */
  readonly address: string;
  /** Ends the server as kill -9 does. */
  kill(): Promise<void>;
  /** Starts it again and waits until it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const services = ['frontend', 'history', 'matching', 'worker'] as const;
const databases = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;

/**
 * Makes both databases with the newest schema, starts the server and registers `namespace`. `home` is a state folder whose
 * `run` folder exists; configuration and log of the server are put there.
 */
export async function startSelfHostedTemporal(
  home: string,
  namespace: string,
  database: DatabaseServer,
): Promise<SelfHostedTemporal> {
  const programs = await buildServer();
  for (const [schema, name] of Object.entries(databases)) {
    await prepareDatabase(path.join(programs, 'sql'), database, name, schema);
  }
  const ports = await freePorts(services.flatMap((service) => [`${service}-grpc`, `${service}-membership`]));
  const address = `127.0.0.1:${ports['frontend-grpc']}`;
  const configFile = path.join(home, 'run', 'temporal-server.yaml');
  writeFileSync(configFile, stringify(serverConfig(database, ports, address)), { mode: 0o600 });
  const logFile = path.join(home, 'run', 'temporal-server.log');
  const log = openSync(logFile, 'a', 0o600);

  let server: ChildProcess;
  const start = async (): Promise<void> => {
    const args = ['--config-file', configFile, '--allow-no-auth', 'start'];
    server = spawn(path.join(programs, 'server'), args, { cwd: home, env: {}, stdio: ['ignore', log, log] });
    await until('the Temporal server answers', () => answers(address, server), 120_000).catch((error) => {
      throw new Error(readFileSync(logFile, 'utf8').slice(-2_000), { cause: error });
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  try {
    await start();
    await registerNamespace(address, namespace);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  return { address, kill: () => end('SIGKILL'), restart: start, stop: () => end('SIGTERM') };
}

/** The Postgres that an installation runs. */
export async function databaseServerOf(provider: TestInstallation): Promise<DatabaseServer> {
  const { address } = await provider.service('postgres');
  const [host = '', port = ''] = address.split(':');
  const password = readFileSync(path.join(provider.home, 'secrets', 'postgres-superuser'), 'utf8').trim();
  return { host, port, user: 'postgres', password };
}

/** About six minutes on two processors, once. */
const buildServer = (): Promise<string> =>
  builtGoPrograms(
    'temporal-server',
    ['cmd/server', 'cmd/tools/sql'].map((name) => `go.temporal.io/server/${name}`),
  );

async function prepareDatabase(
  sqlTool: string,
  { host, port, user, password }: DatabaseServer,
  name: string,
  schema: string,
): Promise<void> {
  const env = {
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: host,
    SQL_PORT: port,
    SQL_USER: user,
    SQL_PASSWORD: password,
    SQL_DATABASE: name,
  };
  await must(sqlTool, ['create-database'], { env });
  await must(sqlTool, ['setup-schema', '--version', '0.0'], { env });
  await must(sqlTool, ['update-schema', '--schema-name', `postgresql/v12/${schema}`], { env });
}

/** Below the range of port 0, because the server's schema keeps membership ports in a signed 16-bit column. */
async function freePorts(names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const ports: Record<string, number> = {};
  let port = 20_000 + Math.floor(Math.random() * 10_000);
  for (const name of names) {
    while (!(await isFree(port))) port += 1;
    ports[name] = port;
    port += 1;
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}

/** The server's own example config/development-postgres12.yaml, without what a test does not need. */
function serverConfig(database: DatabaseServer, ports: Readonly<Record<string, number>>, address: string) {
  const store = (name: string) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName: name,
      connectAddr: `${database.host}:${database.port}`,
      connectProtocol: 'tcp',
      user: database.user,
      password: database.password,
      maxConns: 10,
      maxIdleConns: 10,
    },
  });
  const rpc = (service: string) => ({
    grpcPort: ports[`${service}-grpc`],
    membershipPort: ports[`${service}-membership`],
    bindOnIP: '127.0.0.1',
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store(databases.temporal), visibility: store(databases.visibility) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(services.map((service) => [service, { rpc: rpc(service) }])),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: address },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
  };
}

async function answers(address: string, server: ChildProcess): Promise<boolean> {
  if (server.exitCode !== null) throw new Error(`the Temporal server ended with code ${server.exitCode}`);
  try {
    return await withConnection(address, async ({ healthService }) => {
      const { status } = await healthService.check({
        service: 'temporal.api.workflowservice.v1.WorkflowService',
      });
      // SERVING of grpc.health.v1.
      return status === 1;
    });
  } catch {
    return false;
  }
}

async function must(
  command: string,
  args: readonly string[],
  options: Parameters<typeof runCommand>[2],
): Promise<void> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${stdout}${stderr}`);
}
