import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInstallation } from '../test/support/installation.ts';
import { lockTimes } from './arrivals.ts';
import { smallText } from './content.ts';
import type { Ended } from './tools.ts';

const filesPerFolder = 100;
/** Between two files. */
const pauseMs = 100;

/** Fills the source that will be swept, and starts everything anew, now with the watcher. */
export async function prepareArrivals(stack: TestInstallation, bulkFiles: number): Promise<void> {
  await stack.down();
  for (let index = 0; index < bulkFiles; index++)
    stack.write('bulk', `${Math.floor(index / filesPerFolder)}/${index}.txt`, smallText());
  await stack.up();
}

/**
 * Single files that come to a watched folder while another source is swept for the first time: how long after each was
 * closed it is locked in S3, in seconds.
 *
 * @param most files that come, fewer where the sweep ends before
 */
export async function arrivalsDuringSweep(
  stack: TestInstallation,
  sweep: () => Promise<Ended>,
  most: number,
): Promise<{ readonly ended: Ended; readonly latencies: readonly number[] }> {
  let isSweeping = true;
  const swept = sweep().finally(() => {
    isSweeping = false;
  });
  // Its error is met below, when the files have come.
  swept.catch(() => {});
  const arrivals = new Map<string, { closedAt: number; sizeBytes: number }>();
  for (let index = 0; index < most && isSweeping; index++, await sleep(pauseMs)) {
    const content = smallText();
    stack.write('live', `${index}.txt`, content);
    arrivals.set(`${index}.txt`, { closedAt: Date.now(), sizeBytes: content.length });
  }
  const ended = await swept;
  const locked = await lockTimes(stack, 'live', arrivals);
  const latencies = [...arrivals].map(
    ([name, { closedAt }]) => ((locked.get(name) ?? Number.NaN) - closedAt) / 1_000,
  );
  return { ended, latencies };
}
