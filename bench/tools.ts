import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../src/stack/run.ts';
import { type TestInstallation, until } from '../test/support/installation.ts';
import { programOf } from './packages.ts';
import { childCpuSeconds, cpuSeconds, peakMemoryBytes, resetPeakMemory, type Services } from './processes.ts';
import { program, succeed } from './proof.ts';
import { stackServices } from './stack.ts';
import { added } from './statistics.ts';

/** What a run of a tool took. */
export interface Took {
  readonly seconds: number;
  /** CPU by process: the command, and the services that work for it. Seconds. */
  readonly cpuByProcess: Readonly<Record<string, number>>;
  /** Of the largest process, the S3 server left out. MB. */
  readonly peakMemoryMb: number;
  readonly requests: number;
}

export const toolNames = ['holdfast', 'restic', 'rclone', 'clamdscan+restic'] as const;
export type ToolName = (typeof toolNames)[number];

/** The tools that take turns, all on the S3 server and the scanner of one installation. */
export class Tools {
  private readonly stack: TestInstallation;
  private readonly env: NodeJS.ProcessEnv;
  private readonly address: string;
  private readonly clamdSocket: string;

  private constructor(
    stack: TestInstallation,
    address: string,
    clamdSocket: string,
    credentials: NodeJS.ProcessEnv,
  ) {
    this.stack = stack;
    this.address = address;
    this.clamdSocket = clamdSocket;
    this.env = { ...process.env, ...credentials };
  }

  static async of(stack: TestInstallation): Promise<Tools> {
    const { s3, clamd } = await stack.services();
    const file = readFileSync(String(s3?.credentialsFile), 'utf8');
    const secret = (key: string): string => new RegExp(`^${key} = (\\S+)$`, 'm').exec(file)?.[1] ?? '';
    return new Tools(stack, s3?.address ?? '', clamd?.address ?? '', {
      AWS_ACCESS_KEY_ID: secret('aws_access_key_id'),
      AWS_SECRET_ACCESS_KEY: secret('aws_secret_access_key'),
      RESTIC_PASSWORD: 'a comparison',
      RESTIC_CACHE_DIR: path.join(stack.folder, 'restic-cache'),
      RCLONE_CONFIG: path.join(stack.folder, 'rclone.conf'),
    });
  }

  /** A sweep of the source, from the command to the last outcome. */
  holdfast(source: string): Promise<Took> {
    return this.byOurs('sweep', () => this.sweep(source));
  }

  /** What all of ours took while `work` was done by a command that is counted as `name`. */
  byOurs(name: string, work: () => Promise<Ended>): Promise<Took> {
    const { s3: _, bench: _bench, ...services } = stackServices(this.stack);
    return this.counted(name, services, work);
  }

  sweep(source: string): Promise<Ended> {
    return this.ended(process.execPath, [program, 'sweep', source, '--wait', '--json'], this.stack.env);
  }

  /** `repository` is made first, outside the time, unless it is there. */
  async restic(folder: string, repository: string): Promise<Took> {
    const env = { ...this.env, RESTIC_REPOSITORY: `s3:${this.address}/restic-${repository}` };
    const restic = await programOf('restic');
    if ((await runCommand(restic, ['cat', 'config'], { env })).code !== 0)
      await succeed(restic, ['init'], env);
    const backup = ['backup', '--quiet', '.'];
    return this.counted('restic', {}, () => this.ended(restic, backup, env, folder));
  }

  /** `rclone crypt` with 16 transfers: names and content are encrypted, as with the others. */
  async rclone(folder: string, bucket: string): Promise<Took> {
    const rclone = await programOf('rclone');
    const hidden = (await succeed(rclone, ['obscure', 'a comparison'], this.env)).trim();
    const options = { provider: 'Other', env_auth: 'true', endpoint: this.address, force_path_style: 'true' };
    const env = {
      ...this.env,
      // Its S3 client cannot take one, and the server is this machine's.
      AWS_CA_BUNDLE: undefined,
      RCLONE_CONFIG_STORE_TYPE: 's3',
      ...Object.fromEntries(
        Object.entries(options).map(([key, value]) => [`RCLONE_CONFIG_STORE_${key.toUpperCase()}`, value]),
      ),
      RCLONE_CONFIG_SEALED_TYPE: 'crypt',
      RCLONE_CONFIG_SEALED_REMOTE: `store:rclone-${bucket}`,
      RCLONE_CONFIG_SEALED_PASSWORD: hidden,
    };
    await succeed(rclone, ['mkdir', `store:rclone-${bucket}`], env);
    const copy = ['copy', '--transfers', '16', '--links', folder, 'sealed:'];
    return this.counted('rclone', {}, () => this.ended(rclone, copy, env));
  }

  /** The same job as a sweep, done by hand: every file scanned, then all backed up. */
  async clamdscanThenRestic(folder: string, repository: string): Promise<Took> {
    const configuration = path.join(this.stack.folder, 'clamdscan.conf');
    writeFileSync(configuration, `LocalSocket ${this.clamdSocket}\n`);
    const clamdscan = await programOf('clamdscan');
    const args = [
      `--config-file=${configuration}`,
      ...['--multiscan', '--fdpass', '--no-summary', '--infected', folder],
    ];
    const { clamd = 0 } = stackServices(this.stack);
    const scanned = await this.counted('clamdscan', { clamd }, () => this.ended(clamdscan, args, this.env));
    const saved = await this.restic(folder, repository);
    return {
      seconds: scanned.seconds + saved.seconds,
      cpuByProcess: sums(scanned.cpuByProcess, saved.cpuByProcess),
      peakMemoryMb: Math.max(scanned.peakMemoryMb, saved.peakMemoryMb),
      requests: scanned.requests + saved.requests,
    };
  }

  /** A new scanner, which has nothing in its cache. */
  async coldScanner(): Promise<void> {
    const { pid: old } = await this.stack.service('clamd');
    process.kill(old, 'SIGKILL');
    await until('clamd is back', async () => {
      const { pid, healthy } = await this.stack.service('clamd');
      return healthy && pid !== old;
    });
  }

  /** Counts the command, these services and the S3 server while `work` is done. */
  private async counted(name: string, services: Services, work: () => Promise<Ended>): Promise<Took> {
    const all = { ...services, s3: stackServices(this.stack).s3 ?? 0 };
    resetPeakMemory(services);
    const requestsBefore = this.stack.requests().length;
    const commandBefore = childCpuSeconds();
    const before = cpuSeconds(all);
    const started = performance.now();
    const { peakBytes } = await work();
    const seconds = (performance.now() - started) / 1_000;
    const { elsewhere: _, ...cpuByService } = added(before, cpuSeconds(all));
    return {
      seconds,
      cpuByProcess: { ...cpuByService, [name]: childCpuSeconds() - commandBefore },
      peakMemoryMb: Math.max(peakBytes, ...Object.values(peakMemoryBytes(services))) / 1e6,
      requests: this.stack.requests().length - requestsBefore,
    };
  }

  private async ended(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    cwd = this.stack.folder,
  ): Promise<Ended> {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    let peakBytes = 0;
    const watching = setInterval(() => {
      peakBytes = Math.max(peakBytes, peakMemoryBytes({ it: child.pid ?? 0 }).it ?? 0);
    }, 100);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }).finally(() => clearInterval(watching));
    if (code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}: ${told}`);
    return { peakBytes };
  }
}

/** A command that ended well. */
export interface Ended {
  /** The most memory it had at once. */
  readonly peakBytes: number;
}

function sums(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
