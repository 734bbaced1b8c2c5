import { readFileSync, rmSync } from 'node:fs';

/** Places between two steps of the write order where a test may end the process. */
export const failPointNames = [
  'after-fingerprint',
  'after-admission',
  'after-scan',
  'quarantine-sealed',
  'quarantine-kept',
  'quarantine-taken',
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
] as const;
export type FailPointName = (typeof failPointNames)[number];

/** Called by the pipeline at each named place. */
export interface FailPoints {
  reach(name: FailPointName): void;
}

/** The product's own: nothing happens. */
const noFailPoints: FailPoints = { reach: () => {} };

/**
 * The fail point a fault test wrote into `file` (`<name> <count>`), if there is one: the process then ends as kill -9
 * would, the `count`-th time that place is reached. Without the file, as always outside such tests, nothing happens. The
 * file is taken away as it is read: the process that is started in its place lives.
 */
export function chosenFailPoints(file: string): FailPoints {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
    rmSync(file);
  } catch {
    return noFailPoints;
  }
  const [name, count = '1'] = text.trim().split(' ');
  let left = Number(count);
  return {
    reach: (reached) => {
      if (reached === name && --left === 0) process.kill(process.pid, 'SIGKILL');
    },
  };
}
