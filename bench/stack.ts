import { resolvePaths } from '../src/stack/paths.ts';
import { readState } from '../src/stack/supervisor-state.ts';
import { TestInstallation } from '../test/support/installation.ts';
import type { Services } from './processes.ts';

/**
 * The whole program in a temporary folder of its own, with nothing of it running yet; `up` starts all its services and
 * the watcher. Whoever interrupts the measurement leaves nothing of it behind.
 */
export async function makeStack(
  options: Parameters<typeof TestInstallation.create>[0],
): Promise<TestInstallation> {
  current = await TestInstallation.create(options);
  return current;
}

/** One measurement at a time. */
let current: TestInstallation | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void (current?.remove() ?? Promise.resolve()).finally(() => process.exit(130)));

/** All processes of the stack, and this one, which writes the files and waits for them. */
export function stackServices(stack: TestInstallation): Services {
  const state = readState(resolvePaths(stack.env, process.getuid?.() ?? 0));
  if (state === undefined) throw new Error('the stack is not running');
  const services = Object.entries(state.services).map(([name, { pid }]) => [name, pid]);
  return { ...Object.fromEntries(services), supervisor: state.pid, bench: process.pid };
}
