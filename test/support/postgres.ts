/** A real Postgres for tests: one private cluster per test file, one migrated database per test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, chmodSync, chownSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { openPool } from '../../src/catalog/database.ts';
import { migrate } from '../../src/catalog/migrate.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { runCommand } from '../../src/stack/run.ts';
import { type SystemUser, serviceUser } from '../../src/stack/system-users.ts';
import { ensurePostgres } from '../../src/stack/toolchain/postgres-binaries.ts';
import { clusterTemplate, copyCluster } from './postgres-template.ts';

export interface TestDatabase {
  /** As the tables' owner. */
  readonly ownerUri: string;
  /** As the role the program runs as. */
  readonly writerUri: string;
}

export interface TestPostgres {
  /** An empty database of its own, owned by the tables' owner; nothing has migrated it. */
  emptyDatabase(): Promise<string>;
  /** A database with the newest schema. */
  database(): Promise<TestDatabase>;
  /** Ends the server at once, as a crash would. */
  crash(): Promise<void>;
  /** Starts the server again after a crash. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const owner = 'test_owner';
const template = 'migrated';

/** The server of this test file; call once, at the top. */
export function usePostgres(): () => TestPostgres {
  let server: TestPostgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.stop();
  });
  return () => {
    if (server === undefined) throw new Error('Postgres is not started yet');
    return server;
  };
}

/** Starts a cluster on a unix socket, for which nothing needs to survive a power cut. */
async function startPostgres(): Promise<TestPostgres> {
  const uid = process.getuid?.() ?? 0;
  const { cache } = resolvePaths(process.env, uid);
  const { bin } = await ensurePostgres(cache, () => {});
  const user = await serviceUser('postgres', uid);
  const made = await clusterTemplate(cache, `${bin} ${user?.uid}`, () => migratedCluster(bin, user));
  const folder = clusterFolder(user);
  await copyCluster(made, join(folder, 'data'));
  let server = await startServer(bin, folder, user);

  const create = async (from: string): Promise<string> => {
    const name = `test_${randomBytes(6).toString('hex')}`;
    await asSuperuser(folder, `create database ${name} template ${from} strategy file_copy owner ${owner}`);
    return name;
  };
  return {
    emptyDatabase: async () => uri(folder, owner, await create('template0')),
    async database() {
      const name = await create(template);
      return { ownerUri: uri(folder, owner, name), writerUri: uri(folder, 'holdfast_writer', name) };
    },
    async crash() {
      await ended(server, 'SIGQUIT');
    },
    async restart() {
      server = await startServer(bin, folder, user);
    },
    async stop() {
      await ended(server, 'SIGQUIT');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** A database has 300 files: on a disk making them takes up to 0.3 s of CPU, in memory 0.02 s. */
const inMemory = '/dev/shm';
const roomBytes = 4 * 1024 ** 3;

/** Short, because the path of a unix socket ends at 107 bytes. */
function clusterFolder(user: SystemUser | undefined): string {
  const folder = mkdtempSync(join(hasRoom(inMemory) ? inMemory : '/tmp', 'holdfast-pg-'));
  chmodSync(folder, 0o755);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  return folder;
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    accessSync(folder, constants.W_OK);
    return bavail * bsize >= roomBytes;
  } catch {
    return false;
  }
}

/** A new cluster with a migrated database, shut down. */
async function migratedCluster(bin: string, user: SystemUser | undefined) {
  const folder = clusterFolder(user);
  const data = join(folder, 'data');
  const initdb = await runCommand(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '-N'],
    { cwd: folder, env: { PATH: '/usr/bin:/bin' }, ...user },
  );
  if (initdb.code !== 0) throw new Error(initdb.stderr);
  const server = await startServer(bin, folder, user);
  await asSuperuser(folder, `create role ${owner} login createrole`);
  await asSuperuser(folder, `create database ${template} owner ${owner}`);
  const ownerPool = await openPool({ uri: uri(folder, owner, template) });
  await migrate(ownerPool, 'writer');
  await ownerPool.end();
  await ended(server, 'SIGINT');
  return { data, discard: () => rmSync(folder, { recursive: true, force: true }) };
}

function uri(folder: string, role: string, database: string): string {
  return `postgres://${role}@/${database}?host=${encodeURIComponent(folder)}`;
}

async function startServer(bin: string, folder: string, user: SystemUser | undefined): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    fsync: 'off',
    full_page_writes: 'off',
    // Databases are copied file by file then, without a log of all that is in them.
    wal_level: 'minimal',
    max_wal_senders: '0',
    shared_buffers: '16MB',
    max_connections: '60',
    deadlock_timeout: '200ms',
    timezone: 'UTC',
  };
  const server = spawn(
    join(bin, 'postgres'),
    [
      '-D',
      join(folder, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { cwd: folder, env: { PATH: '/usr/bin:/bin' }, stdio: 'ignore', ...user },
  );
  for (let attempt = 0; attempt < 400; attempt++) {
    if (server.exitCode !== null) throw new Error(`postgres ended with code ${server.exitCode}`);
    if (
      await asSuperuser(folder, 'select 1').then(
        () => true,
        () => false,
      )
    )
      return server;
    await sleep(25);
  }
  throw new Error('postgres does not answer');
}

/** SIGINT shuts down in order; SIGQUIT at once: no checkpoint, recovery at the next start (postgres(1)). */
async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill(signal);
  await exit;
}

async function asSuperuser(folder: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: uri(folder, 'postgres', 'postgres') });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}
