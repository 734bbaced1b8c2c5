import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Paths } from './paths.ts';
import { writePrivate } from './secrets.ts';

/** One service's row in `status`; `extra` facts of the service stand beside these. */
export interface ServiceStatus {
  /** 0 while it does not run. */
  readonly pid: number;
  readonly startTicks: number;
  readonly address: string;
  readonly healthy: boolean;
  /** Absolute path of its log. */
  readonly log: string;
  readonly [extra: string]: string | number | boolean;
}

/** What the supervisor knows, as `<home>/run/supervisor.json` and over the control socket. */
export interface SupervisorStatus {
  readonly pid: number;
  /** ISO 8601 UTC. */
  readonly startTime: string;
  /** The boot in which the pids and ticks below mean something. */
  readonly bootId: string;
  readonly services: Readonly<Record<string, ServiceStatus>>;
}

export function stateFile(paths: Paths): string {
  return path.join(paths.home, 'run', 'supervisor.json');
}

export function writeState(paths: Paths, status: SupervisorStatus): void {
  writePrivate(stateFile(paths), `${JSON.stringify(status, undefined, 2)}\n`);
}

/** The last state a supervisor wrote, alive or dead; undefined if none ever ran here or a crash cut it short. */
export function readState(paths: Paths): SupervisorStatus | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(paths), 'utf8')) as SupervisorStatus;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
