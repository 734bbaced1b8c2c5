import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { endProcess, identify, type ProcessIdentity } from './process-table.ts';
import type { Launch } from './services/service.ts';

/** Marks every process of an installation, so that orphans of a killed supervisor are found. */
export const instanceVariable = 'HOLDFAST_INSTANCE';

export interface ServiceProcessOptions {
  readonly launch: Launch;
  /** Value of {@link instanceVariable}. */
  readonly instance: string;
  /** Both its outputs are appended here, mode 0600. */
  readonly logFile: string;
  readonly stdinSecret: Buffer | undefined;
  /** Whether it gets descriptor 3 to write the line `ready` to. */
  readonly announcesReady: boolean;
}

/** One running process of a service, in a process group of its own: a terminal's Ctrl-C does not reach it. */
export class ServiceProcess {
  readonly identity: ProcessIdentity | undefined;
  /** Resolves, when it has ended, with how: a phrase such as `ended with code 1`. */
  readonly ended: Promise<string>;
  /** Resolves when it wrote the line `ready` to descriptor 3; never if it does not. */
  readonly announcedReady: Promise<void>;

  constructor({ launch, instance, logFile, stdinSecret, announcesReady }: ServiceProcessOptions) {
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(launch.command, launch.args, {
      cwd: launch.cwd,
      env: { ...launch.env, [instanceVariable]: instance },
      stdio: [
        stdinSecret === undefined ? 'ignore' : 'pipe',
        log,
        log,
        ...(announcesReady ? ['pipe' as const] : []),
      ],
      detached: true,
      ...launch.user,
    });
    closeSync(log);
    this.identity = child.pid === undefined ? undefined : identify(child.pid);
    this.ended = ending(child);
    this.announcedReady = announcesReady ? readyLine(child.stdio[3] as Readable) : new Promise(() => {});
    // A process that ends before it read the secret is reported by its end.
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdinSecret);
  }

  /** Asks it to end with `signal`; kills it after `graceMs`. Resolves when it has ended. */
  async end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    if (this.identity !== undefined) await endProcess(this.identity, signal, graceMs);
    await this.ended;
  }
}

function ending(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => {
      endGroup(child.pid);
      resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`);
    });
  });
}

/** What a killed process leaves in its group would hold its ports and files. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readyLine(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('error', () => {});
    stream.on('data', (chunk: string) => {
      text = (text + chunk).slice(-64);
      if (/(^|\n)ready\n/.test(text)) resolve();
    });
  });
}
