import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../src/stack/run.ts';
import { type TestInstallation, until } from '../test/support/installation.ts';
import { programOf } from './packages.ts';
import { childCpuSeconds, cpuSeconds, peakMemoryBytes, resetPeakMemory } from './processes.ts';
import { stackServices } from './stack.ts';

/** What a run of a tool took. Everything of ours counts but the S3 server, which all tools share. */
export interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the largest process. MB. */
  readonly peakMemoryMb: number;
  readonly requests: number;
}

export const toolNames = ['holdfast', 'restic', 'rclone', 'clamdscan+restic'] as const;
export type ToolName = (typeof toolNames)[number];

const program = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url));

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
  async holdfast(source: string): Promise<Took> {
    const services = Object.fromEntries(
      Object.entries(stackServices(this.stack)).filter(([name]) => name !== 's3' && name !== 'bench'),
    );
    resetPeakMemory(services);
    const before = cpuSeconds(services);
    const took = await this.measured(
      process.execPath,
      [program, 'sweep', source, '--wait', '--json'],
      this.stack.env,
    );
    const after = cpuSeconds(services);
    const ours = Object.keys(services).reduce(
      (sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0),
      took.cpuSeconds,
    );
    const peaks = Object.values(peakMemoryBytes(services)).map((bytes) => bytes / 1e6);
    return { ...took, cpuSeconds: ours, peakMemoryMb: Math.max(took.peakMemoryMb, ...peaks) };
  }

  /** `repository` is made first, outside the time, unless it is there. */
  async restic(folder: string, repository: string): Promise<Took> {
    const env = { ...this.env, RESTIC_REPOSITORY: `s3:${this.address}/restic-${repository}` };
    const restic = await programOf('restic');
    if ((await runCommand(restic, ['cat', 'config'], { env })).code !== 0)
      await succeed(restic, ['init'], env);
    return this.measured(restic, ['backup', '--quiet', '.'], env, folder);
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
    return this.measured(rclone, ['copy', '--transfers', '16', '--links', folder, 'sealed:'], env);
  }

  /** The same job as a sweep, done by hand: every file scanned, then all backed up. */
  async clamdscanThenRestic(folder: string, repository: string): Promise<Took> {
    const configuration = path.join(this.stack.folder, 'clamdscan.conf');
    const { pid: scanner } = await this.stack.service('clamd');
    const before = cpuSeconds({ clamd: scanner });
    resetPeakMemory({ clamd: scanner });
    writeFileSync(configuration, `LocalSocket ${this.clamdSocket}\n`);
    const scanned = await this.measured(
      await programOf('clamdscan'),
      [`--config-file=${configuration}`, '--multiscan', '--fdpass', '--no-summary', '--infected', folder],
      this.env,
    );
    const clamdCpu = (cpuSeconds({ clamd: scanner }).clamd ?? 0) - (before.clamd ?? 0);
    const clamdPeak = (peakMemoryBytes({ clamd: scanner }).clamd ?? 0) / 1e6;
    const saved = await this.restic(folder, repository);
    return {
      seconds: scanned.seconds + saved.seconds,
      cpuSeconds: scanned.cpuSeconds + clamdCpu + saved.cpuSeconds,
      peakMemoryMb: Math.max(scanned.peakMemoryMb, clamdPeak, saved.peakMemoryMb),
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

  private async measured(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    cwd = this.stack.folder,
  ): Promise<Took> {
    const requestsBefore = this.stack.requests().length;
    const cpuBefore = childCpuSeconds();
    const started = performance.now();
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    let peakBytes = 0;
    let isRunning = true;
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }).finally(() => {
      isRunning = false;
    });
    const watching = (async () => {
      for (; isRunning; await sleep(100))
        peakBytes = Math.max(peakBytes, peakMemoryBytes({ it: child.pid ?? 0 }).it ?? 0);
    })();
    const code = await ended;
    const seconds = (performance.now() - started) / 1_000;
    await watching;
    if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${told}`);
    return {
      seconds,
      cpuSeconds: childCpuSeconds() - cpuBefore,
      peakMemoryMb: peakBytes / 1e6,
      requests: this.stack.requests().length - requestsBefore,
    };
  }

  /** What a sweep protected is what verifying and restoring find; a row without this is void. */
  async proven(source: string): Promise<void> {
    const to = path.join(this.stack.folder, 'restored');
    const { env } = this.stack;
    await succeed(process.execPath, [program, 'verify', source, '--all', '--read-data', '--no-repair'], env);
    await succeed(process.execPath, [program, 'restore', source, '--to', to], env);
    await succeed('diff', ['-r', '--no-dereference', this.stack.path(source), path.join(to, source)], env);
    rmSync(to, { recursive: true });
  }
}

async function succeed(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, { env });
  if (code !== 0)
    throw new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}
