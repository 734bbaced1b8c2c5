import { type ChildProcess, spawn } from 'node:child_process';
import { fstatSync, utimesSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { descriptorPath } from './descriptor.ts';

/**
 * Reads `<seconds>.<nanoseconds> <descriptor>` lines and answers each with touch's exit code. Descriptors are named
 * through the parent, so no name, however odd, passes through the shell. Ctrl-C is the parent's to handle.
 */
const script = `trap '' INT
while read -r stamp descriptor; do
  touch -c -m -d "@$stamp" "/proc/$1/fd/$descriptor" 2>/dev/null
  echo $?
done`;

/**
 * Sets modification times to the nanosecond, before 1970 too. Node's own calls go through a floating-point number of
 * seconds, which is right for whole microseconds since 1970 only; the rest goes to touch(1), in one helper process.
 */
export class MtimeSetter {
  private shell: ChildProcess | undefined;
  private readonly waiting: ((isSet: boolean) => void)[] = [];

  /** Of what the descriptor names: file, folder, or a link opened as such. False if the file system refuses. */
  async set(descriptor: number, mtimeNs: bigint): Promise<boolean> {
    return setByNode(descriptor, mtimeNs) || this.touch(descriptor, mtimeNs);
  }

  async close(): Promise<void> {
    const { shell } = this;
    if (shell === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
    const exited = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin?.end();
    await exited;
  }

  private touch(descriptor: number, mtimeNs: bigint): Promise<boolean> {
    return new Promise((resolve) => {
      this.shell ??= this.start();
      this.waiting.push(resolve);
      this.shell.stdin?.write(`${decimalSeconds(mtimeNs)} ${descriptor}\n`);
    });
  }

  private start(): ChildProcess {
    const shell = spawn('/bin/sh', ['-c', script, 'sh', String(process.pid)], {
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    createInterface({ input: shell.stdout }).on('line', (line) => this.waiting.shift()?.(line === '0'));
    shell.stdin.on('error', () => {});
    shell.on('error', () => {});
    shell.once('close', () => {
      this.shell = undefined;
      for (const answer of this.waiting.splice(0)) answer(false);
    });
    return shell;
  }
}

function setByNode(descriptor: number, mtimeNs: bigint): boolean {
  if (mtimeNs < 0n || mtimeNs % 1_000n !== 0n) return false;
  try {
    const { atimeMs } = fstatSync(descriptor);
    utimesSync(descriptorPath(descriptor), atimeMs / 1_000, Number(mtimeNs / 1_000n) / 1e6);
    return fstatSync(descriptor, { bigint: true }).mtimeNs === mtimeNs;
  } catch {
    return false;
  }
}

function decimalSeconds(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % 1_000_000_000n).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${size / 1_000_000_000n}.${fraction}`;
}
