import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListMultipartUploadsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import pg from 'pg';
import { parse, stringify } from 'yaml';
import type { FileRow } from '../../src/cli/rows.ts';
import type { ConfigFile } from '../../src/config.ts';
import { resolvePaths } from '../../src/stack/paths.ts';
import { accessRecords, type S3Request } from './access-log.ts';
import { registerNamespace } from './temporal-namespace.ts';
import { until } from './until.ts';

export { until } from './until.ts';

const program = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url));

/** How a command ended. `rows` are the JSON values it printed, one a line (with `--json`). */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly rows: readonly FileRow[];
}

interface ServiceStatus {
  readonly pid: number;
  readonly healthy: boolean;
  readonly address: string;
  readonly [extra: string]: unknown;
}

export interface ListedVersion {
  readonly key: string;
  readonly versionId: string;
  readonly sizeBytes: number | 'delete marker';
}

export interface InstallationOptions {
  /** The sources by name, each a folder that is made unless a path is given. */
  readonly sources: Readonly<Record<string, string | undefined>>;
  /** What the configuration that `init` wrote is changed to. */
  readonly configure?: (config: ConfigFile) => void;
  /** Further flags of `init`. */
  readonly init?: readonly string[];
  /** Part of the folder's name, for paths with spaces. */
  readonly folderName?: string;
  readonly password?: string;
  /** What every command is started through: a program and its arguments, e.g. to put it into another network namespace. */
  readonly through?: readonly string[];
}

/**
 * An installation of its own in a temporary folder, with nothing of it in the tests' process: everything is done by the
 * program's commands, as a user would.
 */
export class TestInstallation {
  /** Holds everything of this installation: 0700. */
  readonly folder: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sources: Readonly<Record<string, string>>;
  private pool: pg.Pool | undefined;
  private readonly clients: S3Client[] = [];

  private readonly through: readonly string[];

  private constructor(
    folder: string,
    sources: Record<string, string>,
    { password = 'five plain random words', through = [] }: InstallationOptions,
  ) {
    this.folder = folder;
    this.through = through;
    this.home = path.join(folder, 'home');
    this.sources = sources;
    this.env = {
      ...process.env,
      HOLDFAST_HOME: this.home,
      HOLDFAST_PASSWORD_FILE: this.passwordFile(`${password}\n`),
    };
  }

  /** Makes the folders and runs `init`. The caller calls `remove` in the end, however the test ends. */
  static async create(options: InstallationOptions): Promise<TestInstallation> {
    const folder = mkdtempSync(path.join(tmpdir(), options.folderName ?? 'holdfast-e2e-'));
    const sources: Record<string, string> = {};
    for (const [name, given] of Object.entries(options.sources)) {
      sources[name] = given ?? path.join(folder, 'sources', name);
      if (given === undefined) mkdirSync(sources[name], { recursive: true });
    }
    const made = new TestInstallation(folder, sources, options);
    const named = Object.entries(sources).flatMap(([name, at]) => ['--source', `${name}=${at}`]);
    const { code, stderr } = await made.run(
      'init',
      ...named,
      '--allow-test-signatures',
      '--yes',
      '--lock-days',
      '1',
      ...(options.init ?? []),
    );
    if (code !== 0) {
      await made.remove();
      throw new Error(`init ended with ${code}: ${stderr}`);
    }
    await made.configureAsTheSuiteIsRun();
    if (options.configure) made.configure(options.configure);
    return made;
  }

  /** `create`, then `up`. */
  static async start(options: InstallationOptions, ...flags: string[]): Promise<TestInstallation> {
    const made = await TestInstallation.create(options);
    try {
      await made.up(...flags);
      return made;
    } catch (error) {
      await made.remove();
      throw error;
    }
  }

  /** The whole end-to-end suite can be run in other ways: see the vitest configurations that set these variables. */
  private async configureAsTheSuiteIsRun(): Promise<void> {
    if (!hasPacks)
      this.configure((config) => {
        config.packs = 'off';
      });
    const address = selfHostedTemporal();
    // One that somebody else runs is the suite's already, as its provider is configured; so is that of a host that joined.
    if (address === undefined || this.config().services?.temporal?.mode === 'external') return;
    const namespace = path.basename(this.folder).replaceAll(/[^\w-]/g, '-');
    await registerNamespace(address, namespace);
    this.configure((config) => {
      config.services = { ...config.services, temporal: { mode: 'external', address, namespace } };
    });
  }

  path(source: string, ...names: string[]): string {
    return path.join(this.sources[source] ?? source, ...names);
  }

  /** Writes a file of a source, with its folders. */
  write(source: string, name: string, content: string | Buffer): string {
    const file = this.path(source, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  passwordFile(text: string, name = 'password'): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  configure(change: (config: ConfigFile) => void): void {
    const file = path.join(this.home, 'holdfast.yaml');
    const config = parse(readFileSync(file, 'utf8')) as ConfigFile;
    change(config);
    writeFileSync(file, stringify(config));
  }

  config(): ConfigFile {
    return parse(readFileSync(path.join(this.home, 'holdfast.yaml'), 'utf8')) as ConfigFile;
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended> {
    return this.runWith({}, ...args);
  }

  /** Runs a command with a changed environment; `undefined` takes a variable away. */
  async runWith(env: Record<string, string | undefined>, ...args: string[]): Promise<Ended> {
    const [command = '', ...rest] = [...this.through, process.execPath, program, ...args];
    const child = spawn(command, rest, {
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const late = setTimeout(() => this.tellLate(args, stdout + stderr), lateMs);
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (ended) => resolve(ended ?? -1));
    }).finally(() => clearTimeout(late));
    const rows = args.includes('--json')
      ? stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as FileRow)
      : [];
    return { code, stdout, stderr, rows };
  }

  /** A test that waits too long says nothing of what it waited for. */
  private tellLate(args: readonly string[], said: string): void {
    const command = ['holdfast', ...args].join(' ');
    process.stderr.write(
      `${command} has not ended after ${lateMs / 1000} s. It said:\n${said}\n${this.lastLog('worker')}\n`,
    );
  }

  /** `protect --wait` of paths; rows by path. */
  async protect(...paths: string[]): Promise<Ended & { byPath: ReadonlyMap<string, FileRow> }> {
    const ended = await this.run('protect', ...paths, '--wait', '--json');
    return { ...ended, byPath: new Map(ended.rows.map((row) => [row.path, row])) };
  }

  async up(...flags: string[]): Promise<void> {
    // What is not run here cannot be among what alone is to be run.
    const own = isEmbedded('temporal') ? flags : flags.map((flag) => flag.replace(/^temporal,/, ''));
    const { code, stderr } = await this.run('up', '-d', ...own);
    if (code !== 0) throw new Error(`up ended with ${code}: ${stderr}\n${this.lastLog('worker')}`);
  }

  /** The end of a service's log: why something failed is often only told there. */
  private lastLog(service: string): string {
    const file = path.join(this.home, 'logs', `${service}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-3_000) : '';
  }

  async down(): Promise<void> {
    this.disconnect();
    await this.pool?.end();
    this.pool = undefined;
    await this.run('down');
  }

  /** What `status --json` says; `pid` is the supervisor's. */
  async status(): Promise<{ pid: number; services: Readonly<Record<string, ServiceStatus>> }> {
    const { stdout, stderr } = await this.run('status', '--json');
    if (stdout === '') throw new Error(`status told nothing: ${stderr}`);
    return JSON.parse(stdout.split('\n')[0] ?? '{}');
  }

  async services(): Promise<Readonly<Record<string, ServiceStatus>>> {
    return (await this.status()).services;
  }

  async service(name: string): Promise<ServiceStatus> {
    const found = (await this.services())[name];
    if (found === undefined) throw new Error(`no service ${name} in the status`);
    return found;
  }

  /** Where Temporal is reached, embedded or not. */
  async temporal(): Promise<{ address: string; namespace: string }> {
    const { temporal } = this.config().services ?? {};
    if (temporal?.mode === 'external')
      return { address: temporal.address, namespace: temporal.namespace ?? 'holdfast' };
    const { address, namespace } = await this.service('temporal');
    return { address, namespace: String(namespace) };
  }

  /** Asks the catalog, as the owner of its tables. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.pool === undefined) {
      const { postgres } = this.config().services ?? {};
      const file =
        postgres?.mode === 'external'
          ? (postgres.ownerUriFile ?? postgres.writerUriFile)
          : path.join(this.home, 'secrets', 'postgres-uri');
      const tls =
        postgres?.mode === 'external' && postgres.caFile !== undefined
          ? { ssl: { ca: readFileSync(postgres.caFile, 'utf8') } }
          : {};
      this.pool = new pg.Pool({ connectionString: readFileSync(file, 'utf8').trim(), max: 2, ...tls });
      this.pool.on('error', () => {});
    }
    return (await this.pool.query<Row>(sql, [...values])).rows;
  }

  /** A client with the bucket owner's credentials, and the bucket. */
  async s3(): Promise<{ client: S3Client; bucket: string }> {
    const { address, credentialsFile, region, bucket } = await this.service('s3');
    return this.s3Client(address, String(credentialsFile), String(region), String(bucket));
  }

  s3Client(endpoint: string, credentialsFile: string, region: string, bucket: string) {
    const text = readFileSync(credentialsFile, 'utf8');
    const value = (name: string): string => new RegExp(`^${name} = (\\S+)$`, 'm').exec(text)?.[1] ?? '';
    const client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: {
        accessKeyId: value('aws_access_key_id'),
        secretAccessKey: value('aws_secret_access_key'),
      },
    });
    this.clients.push(client);
    return { client, bucket };
  }

  /** All versions and delete markers of content objects and of packs; and how many multipart uploads are still open. */
  async bucketState(): Promise<
    Record<'objects' | 'packs', { key: string; versionId: string }[]> & { multiparts: number }
  > {
    const { versions, multiparts } = await this.listBucket();
    const below = (folder: string) =>
      versions.filter(({ key }) => key.startsWith(folder)).map(({ key, versionId }) => ({ key, versionId }));
    return { objects: below('objects/'), packs: below('packs/'), multiparts: multiparts.length };
  }

  /** Everything in the bucket: every version and delete marker of every key, and the keys of open multipart uploads. */
  async listBucket(): Promise<{ versions: readonly ListedVersion[]; multiparts: readonly string[] }> {
    const { client, bucket } = await this.s3();
    const versions: ListedVersion[] = [];
    for (let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}; marker; ) {
      const page: import('@aws-sdk/client-s3').ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket: bucket, ...marker }),
      );
      for (const { Key = '', VersionId = '', Size } of page.Versions ?? [])
        versions.push({ key: Key, versionId: VersionId, sizeBytes: Size ?? 0 });
      for (const { Key = '', VersionId = '' } of page.DeleteMarkers ?? [])
        versions.push({ key: Key, versionId: VersionId, sizeBytes: 'delete marker' });
      marker = page.IsTruncated
        ? {
            ...(page.NextKeyMarker === undefined ? {} : { KeyMarker: page.NextKeyMarker }),
            ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
          }
        : undefined;
    }
    const open = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    this.disconnect();
    // Where a page ends versitygw tells the last version of it again.
    const once = new Map(versions.map((version) => [`${version.key} ${version.versionId}`, version]));
    return { versions: [...once.values()], multiparts: (open.Uploads ?? []).map(({ Key = '' }) => Key) };
  }

  /** Every request the embedded S3 server has answered, in the order of its log. */
  requests(): readonly S3Request[] {
    const folder = path.join(this.home, 'data', 's3');
    // A long one was rotated: the highest number is the oldest.
    const logs = readdirSync(folder).filter((name) => name.startsWith('access.log'));
    const oldestFirst = logs.sort((a, b) => b.localeCompare(a));
    return oldestFirst.flatMap((name) => accessRecords(readFileSync(path.join(folder, name), 'utf8')));
  }

  /**
   * Has the worker end at this point of the pipeline as kill -9 would, the `count`-th time it gets there; with `stop` it
   * stands still there.
   */
  armFailPoint(name: string, count = 1, action?: 'stop'): void {
    const file = path.join(this.home, 'run', 'fail-point');
    // A worker that runs must not find half of it.
    writeFileSync(`${file}.new`, [name, count, action].join(' '));
    renameSync(`${file}.new`, file);
  }

  /** Sends a signal to a service's process, once it has one: 0, which one that is started again has, is our own group. */
  async signal(service: string, signal: NodeJS.Signals): Promise<number> {
    let pid = 0;
    await until(`${service} runs`, async () => {
      pid = (await this.service(service)).pid;
      return pid > 0;
    });
    process.kill(pid, signal);
    return pid;
  }

  /** Stops everything and takes away all that was left on this machine. */
  async remove(): Promise<void> {
    await this.down();
    const elsewhere = linkTarget(path.join(this.home, 'data'));
    const { runtime } = resolvePaths(this.env, process.getuid?.() ?? 0);
    for (const folder of [this.folder, runtime, elsewhere])
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }

  private disconnect(): void {
    for (const client of this.clients.splice(0)) client.destroy();
  }
}

/** A little less than a test has. Milliseconds. */
const lateMs = 100_000;

/** The server that the suite shares, if it is run against one. */
const selfHostedTemporal = (): string | undefined => process.env.HOLDFAST_TEST_TEMPORAL_ADDRESS;

/** Whether sweeps put small files together in this run of the suite. */
export const hasPacks = process.env.HOLDFAST_TEST_PACKS !== 'off';

/** Whether installations of this run of the suite have the service themselves. */
export const isEmbedded = (service: string): boolean =>
  service !== 'temporal' || selfHostedTemporal() === undefined;

function linkTarget(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
