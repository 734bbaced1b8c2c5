import { chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeRights } from '../../src/doctor/rights.ts';
import { tryRights } from '../../src/doctor/try-rights.ts';
import { opaEnvironment } from '../../src/policy/opa-arguments.ts';
import { isPassable } from '../../src/stack/folders.ts';
import { identify } from '../../src/stack/process-table.ts';
import { runCommand } from '../../src/stack/run.ts';
import { throughputSettings } from '../../src/stack/services/postgres.ts';
import {
  ensureS3Credentials,
  roleBucketPolicy,
  type S3Credentials,
  s3CredentialFiles,
  s3Roles,
} from '../../src/stack/services/s3-roles.ts';
import type { Supervisor } from '../../src/stack/supervisor.ts';
import type { ServiceStatus } from '../../src/stack/supervisor-state.ts';
import { embeddedStack } from './embedded-stack.ts';
import { type TestInstallation, testInstallation, uid } from './installation.ts';

const names = ['clamd', 'opa', 'postgres', 's3', 'temporal'];

/** Two installations at once: neither may take the other's ports, folders or processes. */
let installations: readonly TestInstallation[] = [];
let stacks: readonly Supervisor[] = [];

beforeAll(async () => {
  installations = [testInstallation(), testInstallation()];
  stacks = await Promise.all(installations.map(({ paths }) => embeddedStack(paths, uid)));
  await Promise.all(stacks.map((stack) => stack.start()));
});

afterAll(async () => {
  await Promise.all(stacks.map((stack) => stack.stop()));
  for (const installation of installations) installation.remove();
});

function home(): string {
  const [first] = installations;
  if (first === undefined) throw new Error('no installation');
  return first.paths.home;
}

function service(name: string, stack = stacks[0]): ServiceStatus {
  const row = stack?.status.services[name];
  if (row === undefined) throw new Error(`no service ${name}`);
  return row;
}

const text = (value: unknown): string => String(value);

describe('the embedded stack', () => {
  test('is healthy twice at once, each at addresses of its own', () => {
    expect(home().length).toBeGreaterThan(140);
    for (const stack of stacks) expect(Object.keys(stack.status.services).sort()).toEqual(names);
    for (const name of names) {
      expect(service(name, stacks[0]).healthy).toBe(true);
      expect(service(name, stacks[1]).healthy).toBe(true);
      expect(service(name, stacks[0]).address).not.toBe(service(name, stacks[1]).address);
    }
  });

  test.runIf(uid === 0)('runs each service as a user of its own', () => {
    const owners = names.map((name) => {
      const status = readFileSync(`/proc/${service(name).pid}/status`, 'utf8');
      return /^Uid:\t(\d+)\t/m.exec(status)?.[1];
    });
    expect(owners).not.toContain('0');
    expect(new Set(owners).size).toBe(names.length);
  });

  test('listens on loopback and sockets only', async () => {
    const { stdout } = await runCommand('ss', ['--listening', '--tcp', '--numeric', '--processes']);
    const pids = names.map((name) => `pid=${service(name).pid},`);
    const addresses = stdout
      .split('\n')
      .filter((line) => pids.some((pid) => line.includes(pid)))
      .map((line) => line.trim().split(/\s+/)[3]);
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses) expect(address).toMatch(/^127\.0\.0\.1:/);
  });

  test('inherits nothing from the environment', () => {
    for (const name of names) {
      const variables = readFileSync(`/proc/${service(name).pid}/environ`, 'utf8')
        .split('\0')
        .map((entry) => entry.split('=')[0])
        .filter((variable) => variable !== '' && !variable?.startsWith('ROOT_'));
      // Postgres writes its title over its environment.
      if (name !== 'postgres') {
        const own = name === 'opa' ? Object.keys(opaEnvironment) : [];
        expect(variables.sort()).toEqual([...own, 'HOLDFAST_INSTANCE', 'HOME', 'LANG', 'PATH', 'TZ']);
      }
    }
  });

  test('keeps its secrets to its user', () => {
    const files = [
      'postgres-uri',
      'postgres-owner',
      'postgres-superuser',
      's3/credentials',
      's3/roles/agent',
    ];
    for (const file of files) expect(statSync(path.join(home(), 'secrets', file)).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(home(), 'secrets')).mode & 0o777).toBe(0o700);
  });
});

/** Works as the tables' owner in the database of `postgres`. */
async function asOwner<Result>(work: (client: pg.Client) => Promise<Result>, postgres = service('postgres')) {
  const connectionString = readFileSync(text(postgres.uriFile), 'utf8').trim();
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('postgres', () => {
  test('gives the owner a database with checksums, UTF-8, UTC and durable commits', async () => {
    const rows = await asOwner((client) =>
      client.query(
        `SELECT current_database() AS database, current_user AS owner, rolsuper AS super,
                current_setting('data_checksums') AS checksums, current_setting('server_encoding') AS encoding,
                current_setting('TimeZone') AS zone, current_setting('fsync') AS fsync,
                current_setting('synchronous_commit') AS commits, current_setting('full_page_writes') AS pages
           FROM pg_roles WHERE rolname = current_user`,
      ),
    );
    expect(rows.rows).toEqual([
      {
        database: 'holdfast',
        owner: 'holdfast_owner',
        super: false,
        checksums: 'on',
        encoding: 'UTF8',
        zone: 'UTC',
        fsync: 'on',
        commits: 'on',
        pages: 'on',
      },
    ]);
  });

  test('has the memory and the log that large sweeps need, and no more than a small machine can give', async () => {
    const settings = Object.entries(throughputSettings(totalmem()));
    for (const [name, value] of settings) {
      const { rows } = await asOwner((client) => client.query('SELECT current_setting($1) AS is', [name]));
      expect(rows, name).toEqual([{ is: value }]);
    }
    const cacheOf = (gibibytes: number) => throughputSettings(gibibytes * 2 ** 30).shared_buffers;
    expect([1, 3, 4, 64].map(cacheOf)).toEqual(['128MB', '192MB', '256MB', '256MB']);
  });

  test('lets the owner make the other roles', async () => {
    await asOwner(async (client) => {
      await client.query('CREATE ROLE trial NOLOGIN');
      await client.query('CREATE TABLE trial (id int)');
      await client.query('GRANT SELECT ON trial TO trial');
      await client.query('DROP TABLE trial');
      await client.query('DROP ROLE trial');
    });
  });

  test.each(['127.0.0.1', 'socket'])('refuses a wrong password over %s', async (way) => {
    const { address, socketDir } = service('postgres');
    const client = new pg.Client({
      host: way === 'socket' ? text(socketDir) : way,
      port: Number(address.split(':')[1]),
      user: 'holdfast_owner',
      password: 'wrong',
      database: 'holdfast',
    });
    await expect(client.connect()).rejects.toThrow('password authentication failed');
  });
});

test('temporal keeps closed workflows of the namespace for three days and serves its Web UI', async () => {
  const { address, ui, metrics } = service('temporal');
  const connection = await Connection.connect({ address });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'holdfast' });
  await connection.close();
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(3 * 24 * 60 * 60);
  for (const url of [ui, metrics]) expect((await fetch(text(url))).status).toBe(200);
});

test('opa answers from the given bundle', async () => {
  const body = await new Promise<string>((resolve, reject) => {
    request(
      { socketPath: service('opa').address, path: '/v1/data/trial/answer', agent: false },
      (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk;
        });
        response.on('end', () => resolve(answer));
      },
    )
      .on('error', reject)
      .end();
  });
  expect(JSON.parse(body)).toMatchObject({ result: 42 });
});

test('clamd knows the EICAR test file, and says so in its facts', async () => {
  const { address, signatureSet, signatureFacts } = service('clamd');
  const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');
  const scan = (content: string) =>
    new Promise<string>((resolve, reject) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(content));
      const socket = connect({ path: address }).setEncoding('utf8');
      socket.on('data', resolve).on('error', reject);
      socket.write(
        Buffer.concat([Buffer.from('zINSTREAM\0'), length, Buffer.from(content), Buffer.alloc(4)]),
      );
    });
  expect(await scan(eicar)).toMatch(/^stream: \S*eicar\S* FOUND\0$/i);
  expect(await scan('an ordinary letter')).toBe('stream: OK\0');
  const facts = JSON.parse(readFileSync(text(signatureFacts), 'utf8')) as unknown;
  expect(facts).toEqual({
    set: signatureSet,
    revision: expect.stringMatching(/^[0-9a-f]{64}$/),
    at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});

describe('s3 roles', () => {
  const Bucket = 'role-trial';
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
  const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: inDays(1) } as const;
  let clients: Readonly<Record<'owner' | 'agent' | 'retention' | 'recover', S3Client>>;
  let locked: { Bucket: string; Key: string; VersionId: string | undefined };

  beforeAll(async () => {
    const { address, region } = service('s3');
    const client = (credentials: S3Credentials) =>
      new S3Client({
        endpoint: address,
        region: text(region),
        forcePathStyle: true,
        credentials,
        maxAttempts: 1,
      });
    const files = s3CredentialFiles(home());
    const { owner, roles } = ensureS3Credentials(files);
    clients = {
      owner: client(owner),
      agent: client(roles.agent),
      retention: client(roles.retention),
      recover: client(roles.recover),
    };
    await clients.owner.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    const Policy = roleBucketPolicy(Bucket, files);
    await clients.owner.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    const put = new PutObjectCommand({
      Bucket,
      Key: 'locked',
      Body: 'x',
      ChecksumAlgorithm: 'SHA256',
      ...lock,
    });
    locked = { Bucket, Key: 'locked', VersionId: (await clients.agent.send(put)).VersionId };
  });

  const refused = expect.objectContaining({ name: 'AccessDenied' });

  test('the agent extends locks, and neither shortens nor deletes anything', async () => {
    const retain = (days: number) => ({ Mode: 'GOVERNANCE' as const, RetainUntilDate: inDays(days) });
    const { agent, owner } = clients;
    await agent.send(new PutObjectRetentionCommand({ ...locked, Retention: retain(2) }));
    const shorter = { ...locked, Retention: retain(1), BypassGovernanceRetention: true };
    await expect(agent.send(new PutObjectRetentionCommand(shorter))).rejects.toEqual(refused);
    const bypass = { ...locked, BypassGovernanceRetention: true };
    await expect(agent.send(new DeleteObjectCommand(bypass))).rejects.toEqual(refused);
    const free = await owner.send(new PutObjectCommand({ Bucket, Key: 'free', Body: 'x' }));
    const version = { Bucket, Key: 'free', VersionId: free.VersionId };
    await expect(agent.send(new DeleteObjectCommand(version))).rejects.toEqual(refused);
    await expect(agent.send(new DeleteObjectCommand({ Bucket, Key: 'free' }))).rejects.toEqual(refused);
  });

  test('retention deletes versions whose lock has ended, and reads no content', async () => {
    const { retention, owner } = clients;
    const free = await owner.send(new PutObjectCommand({ Bucket, Key: 'expired', Body: 'x' }));
    await retention.send(new DeleteObjectCommand({ Bucket, Key: 'expired', VersionId: free.VersionId }));
    const bypass = { ...locked, BypassGovernanceRetention: true };
    await expect(retention.send(new DeleteObjectCommand(bypass))).rejects.toEqual(refused);
    await expect(retention.send(new GetObjectCommand(locked))).rejects.toEqual(refused);
  });

  test('recover reads every version, and writes none', async () => {
    const { recover } = clients;
    const { Versions } = await recover.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions?.map(({ Key }) => Key)).toContain('locked');
    expect(await (await recover.send(new GetObjectCommand(locked))).Body?.transformToString()).toBe('x');
    const put = new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' });
    await expect(recover.send(put)).rejects.toEqual(refused);
    await expect(recover.send(new DeleteObjectCommand(locked))).rejects.toEqual(refused);
  });

  test('what each role may is found out without a trace, and a role that may more is told', async () => {
    const { address, region } = service('s3');
    const { rolesDir, credentialsFile } = s3CredentialFiles(home());
    const options = { name: 'primary', endpoint: address, region: text(region), bucket: Bucket };
    const tried = (file: string) =>
      tryRights({ ...options, forcePathStyle: true, jurisdiction: 'local', credentialsFile: file }, 'rights');
    for (const role of s3Roles)
      expect(judgeRights('primary', role, await tried(path.join(rolesDir, role)))).toMatchObject([
        { state: 'ok' },
      ]);
    expect(judgeRights('primary', 'agent', await tried(credentialsFile))).toMatchObject([
      { state: 'problem', what: expect.stringContaining('s3:DeleteObjectVersion, s3:PutBucketVersioning') },
    ]);
    expect(judgeRights('primary', 'agent', await tried(path.join(rolesDir, 'recover')))).toMatchObject([
      { state: 'problem', what: expect.stringContaining('s3:PutObject, s3:PutObjectRetention') },
    ]);
    const { Versions = [] } = await clients.owner.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions.filter(({ Key }) => Key === 'rights')).toEqual([]);
  });

  test('every request is in the access log', () => {
    const lines = readFileSync(text(service('s3').accessLog), 'utf8').split('\n');
    expect(lines.filter((line) => line.includes(' s3_PutObject ')).length).toBeGreaterThan(1);
  });
});

test('stopping leaves no process, and a second life has the same data at the same addresses', async () => {
  const [, stack] = stacks;
  const installation = installations[1];
  if (stack === undefined || installation === undefined) throw new Error('no second stack');
  const before = stack.status.services;
  const uri = readFileSync(text(before.postgres?.uriFile), 'utf8');
  await asOwner((client) => client.query('CREATE TABLE kept (id int)'), before.postgres);
  await stack.stop();
  for (const { pid } of Object.values(before)) expect(identify(pid)).toBeUndefined();
  const again = await embeddedStack(installation.paths, uid);
  await again.start();
  try {
    for (const name of names) expect(again.status.services[name]?.address).toBe(before[name]?.address);
    expect(readFileSync(text(again.status.services.postgres?.uriFile), 'utf8')).toBe(uri);
    const kept = await asOwner(
      (client) => client.query('SELECT * FROM kept'),
      again.status.services.postgres,
    );
    expect(kept.rowCount).toBe(0);
  } finally {
    await again.stop();
  }
});

/** Root's cache of tools, which any user may read. */
const sharedCache = '/var/cache';
const anybody = 65_534;

test.runIf(uid === 0 && isPassable(import.meta.dirname))(
  'an ordinary user can run the whole stack',
  async () => {
    const own = mkdtempSync(path.join(tmpdir(), 'holdfast user '));
    chownSync(own, anybody, anybody);
    try {
      const fixture = path.join(import.meta.dirname, 'fixtures', 'whole-stack.ts');
      const { code, stdout, stderr } = await runCommand(process.execPath, [fixture], {
        env: { PATH: '/usr/bin:/bin', HOME: own, XDG_CACHE_HOME: sharedCache, XDG_RUNTIME_DIR: own },
        cwd: own,
        uid: anybody,
        gid: anybody,
      });
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const { services } = JSON.parse(stdout) as { services: Record<string, ServiceStatus> };
      expect(Object.values(services).map(({ healthy }) => healthy)).toEqual(names.map(() => true));
      for (const { log } of Object.values(services)) expect(statSync(log).uid).toBe(anybody);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  },
);
