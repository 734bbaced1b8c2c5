import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../src/stack/project.ts';

/** A command of ours ended badly; it has told the reason on standard error already. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(command: string, exitCode: number) {
    super(`holdfast ${command} ended with code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export interface CliOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Interrupts the running command, as Ctrl-C does. */
  readonly signal?: AbortSignal;
  /** Given each line of its standard output, which else is shown. */
  readonly onLine?: (line: string) => void;
  /** Exit codes that are answers; only 0 if none is given. */
  readonly accept?: readonly number[];
}

/**
 * Runs `holdfast <args>` as a user would and gives its exit code; throws {@link CommandFailed} for one not accepted.
 * It has a process group of its own: Ctrl-C in the terminal reaches the quickstart alone, which ends it in order.
 */
export async function holdfast(args: readonly string[], options: CliOptions): Promise<number> {
  options.signal?.throwIfAborted();
  const { onLine } = options;
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli/main.ts'), ...args], {
    env: options.env,
    stdio: ['ignore', onLine === undefined ? 'inherit' : 'pipe', 'inherit'],
    detached: true,
  });
  const interrupt = (): void => void child.kill('SIGINT');
  options.signal?.addEventListener('abort', interrupt);
  try {
    const [code] = await Promise.all([exitCode(child), eachLine(child, onLine)]);
    options.signal?.throwIfAborted();
    if ((options.accept ?? [0]).includes(code)) return code;
    throw new CommandFailed(args.join(' '), code);
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function eachLine({ stdout }: ChildProcess, onLine?: (line: string) => void): Promise<void> {
  if (stdout === null || onLine === undefined) return;
  for await (const line of createInterface({ input: stdout })) onLine(line);
}
