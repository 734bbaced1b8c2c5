import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failures.ts';
import { supervisorStatus } from './control.ts';
import { lastLines } from './logs.ts';
import type { Paths } from './paths.ts';
import { identify, isRunning, type ProcessIdentity } from './process-table.ts';
import type { SupervisorStatus } from './supervisor-state.ts';

/** A process that outlives its maker. */
export interface Detached extends ProcessIdentity {
  readonly logFile: string;
}

/**
 * Starts `command` in a session of its own with both outputs appended to `logFile` (0600). `stdinSecret` is all of
 * its standard input. It inherits this process's environment.
 */
export async function spawnDetached(
  command: string,
  args: readonly string[],
  { stdinSecret, logFile }: { readonly stdinSecret: Buffer; readonly logFile: string },
): Promise<Detached> {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { stdio: ['pipe', log, log], detached: true, cwd: '/' });
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    await new Promise<void>((resolve) => {
      // One that ends before it has read is reported by waitHealthy.
      child.stdin?.on('error', () => resolve()).end(stdinSecret, () => resolve());
    });
    child.unref();
    const pid = child.pid ?? 0;
    return { ...(identify(pid) ?? { pid, startTicks: 0 }), logFile };
  } finally {
    closeSync(log);
  }
}

/**
 * Returns the supervisor's status once all of `names` are healthy. Throws `service_unhealthy` when `supervisor` ends
 * before that; how long each service may take is the supervisor's business.
 */
export async function waitHealthy(
  paths: Paths,
  names: readonly string[],
  supervisor: Detached,
): Promise<SupervisorStatus> {
  for (;;) {
    const status = await supervisorStatus(paths);
    if (status?.pid === supervisor.pid && names.every((name) => status.services[name]?.healthy))
      return status;
    if (!isRunning(supervisor)) {
      const { logFile: log } = supervisor;
      const facts = { service: 'supervisor', reason: 'ended before all was healthy', log };
      throw new Failure('service_unhealthy', { ...facts, lines: lastLines(log, 10) });
    }
    await sleep(100);
  }
}
