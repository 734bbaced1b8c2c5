import { type SpawnOptions, spawn } from 'node:child_process';

/** How a command ended. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions
  extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid' | 'signal' | 'killSignal'> {
  /** After this many milliseconds the command is killed; its `code` is then null. */
  readonly timeoutMs?: number;
  /** Called with each line of either output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a command without a shell and without input. A program that does not exist rejects with ENOENT. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { timeoutMs, onLine, ...options }: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const chunks: string[] = [];
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      chunks.push(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    });
    return chunks;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' };
}

/** True when the program of a rejected {@link runCommand} does not exist. */
export function isProgramMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
}
