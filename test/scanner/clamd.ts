import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopProcess } from '../support/stop-process.ts';

/** EICAR's test file, in halves so that no scanner takes this source for it. */
export const eicar = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''),
);

function clamdPath(): string {
  const path = process.env.HOLDFAST_TEST_CLAMD ?? '/usr/sbin/clamd';
  if (!existsSync(path)) throw new Error('no clamd: install clamav-daemon or set HOLDFAST_TEST_CLAMD');
  return path;
}

/** A real clamd that knows only EICAR unless it is given more, in a folder of its own. */
export class Clamd {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-clamd-'));
  readonly socketPath = join(this.folder, 'clamd.sock');
  readonly #config = join(this.folder, 'clamd.conf');
  #child: ChildProcess | undefined;

  constructor(
    limits: { readonly maxFileSize: string; readonly streamMaxLength: string },
    more: Readonly<Record<string, string>> = {},
  ) {
    mkdirSync(join(this.folder, 'db'));
    this.database('eicar.ndb', `Eicar-Test-Signature:0:*:${eicar.toString('hex')}\n`);
    const settings = {
      LocalSocket: this.socketPath,
      FixStaleSocket: 'yes',
      DatabaseDirectory: join(this.folder, 'db'),
      TemporaryDirectory: this.folder,
      Foreground: 'yes',
      ...(process.getuid?.() === 0 ? { User: 'root' } : {}),
      MaxFileSize: limits.maxFileSize,
      StreamMaxLength: limits.streamMaxLength,
      MaxScanSize: '4000M',
      MaxScanTime: '600000',
      AlertExceedsMax: 'yes',
      AlertEncrypted: 'yes',
      ConcurrentDatabaseReload: 'no',
      ...more,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    writeFileSync(this.#config, lines.join(''));
  }

  /** Puts a file among the signatures; loaded at the next start or reload. */
  database(name: string, content: string | Buffer): void {
    const file = join(this.folder, 'db', name);
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  }

  /** Asks for the signatures to be loaded anew; returns when that has begun. */
  async reload(): Promise<void> {
    const socket = connect(this.socketPath);
    socket.write('zRELOAD\0');
    await once(socket, 'data');
    socket.destroy();
  }

  async start(): Promise<void> {
    this.#child = spawn(clamdPath(), ['--config-file', this.#config], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (await accepts(this.socketPath)) return;
      if (this.#child.exitCode !== null) throw new Error(`clamd ended with code ${this.#child.exitCode}`);
      await sleep(50);
    }
    throw new Error('clamd does not listen');
  }

  /** Resolves once nothing of it runs any more. */
  async stop(): Promise<void> {
    if (this.#child?.pid !== undefined) await stopProcess(this.#child.pid);
  }

  goOn(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
