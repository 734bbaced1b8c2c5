import { existsSync, readFileSync, rmSync } from 'node:fs';

/** Places between two steps of the write order where a test may end the process. */
export const failPointNames = [
  'after-fingerprint',
  'after-duplicate-check',
  'after-admission',
  'after-scan',
  'quarantine-sealed',
  'quarantine-kept',
  'quarantine-taken',
  'after-seal',
  'before-intent',
  'after-intent',
  'after-put',
  'after-multipart-created',
  'after-part',
  'before-complete',
  'after-complete',
  'after-read-back',
  'after-commit',
  'after-hold',
  'taken-for-deletion',
  'before-delete',
  'after-delete',
  'manifest-recorded',
  'manifest-sent',
  'audit-anchored',
] as const;
export type FailPointName = (typeof failPointNames)[number];

/** Called by the pipeline at each named place. */
export interface FailPoints {
  reach(name: FailPointName): void;
}

/** Between two looks whether there is a file: each is a system call, and places are reached many times for each file. */
const lookEveryMs = 20;

/**
 * Those a fault test writes into `file` (`<name> <count> [stop]`), before the process starts or while it runs: the process
 * ends as kill -9 would the `count`-th time that place is reached; with `stop` it stands still there until SIGCONT.
 * Without the file, as always outside such tests, nothing happens. The file is taken away as it is read: the process that is
 * started in its place lives.
 */
export function chosenFailPoints(file: string): FailPoints {
  let chosen = taken(file);
  let lookedAtMs = performance.now();
  const look = (): void => {
    const now = performance.now();
    if (now - lookedAtMs < lookEveryMs) return;
    lookedAtMs = now;
    chosen = taken(file);
  };
  return {
    reach: (reached) => {
      if (chosen === undefined) look();
      if (chosen === undefined || reached !== chosen.name || --chosen.left > 0) return;
      const { signal } = chosen;
      chosen = undefined;
      process.kill(process.pid, signal);
    },
  };
}

function taken(file: string): { name: string; left: number; signal: 'SIGKILL' | 'SIGSTOP' } | undefined {
  if (!existsSync(file)) return undefined;
  const [name = '', count = '1', action] = readFileSync(file, 'utf8').trim().split(' ');
  rmSync(file);
  return { name, left: Number(count), signal: action === 'stop' ? 'SIGSTOP' : 'SIGKILL' };
}
