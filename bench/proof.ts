import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../src/stack/run.ts';
import type { TestInstallation } from '../test/support/installation.ts';

/** What a user starts. */
export const program = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url));

/**
 * What speaks against it that a source is protected: verifying did not find all of it, or a restore did not give it back
 * byte by byte. Nothing speaks against it: empty.
 */
export async function doubtsAbout(stack: TestInstallation, source: string): Promise<readonly string[]> {
  const to = path.join(stack.folder, 'restored');
  const { env } = stack;
  try {
    await succeed(process.execPath, [program, 'verify', source, '--all', '--no-repair'], env);
    await succeed(process.execPath, [program, 'restore', source, '--to', to], env);
    await succeed('diff', ['-r', '--no-dereference', stack.path(source), path.join(to, source)], env);
    return [];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}

/** Runs a command that must end well, and gives what it printed. */
export async function succeed(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, { env });
  if (code !== 0)
    throw new Error(`${command} ${args.slice(0, 2).join(' ')} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}
