import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInstallation } from '../test/support/installation.ts';
import type { Row } from './aims.ts';
import { lockTimes } from './arrivals.ts';
import { smallText } from './content.ts';

const filesPerFolder = 100;
/** Between two files. */
const pauseMs = 150;

/**
 * Single files that come to a watched folder while another source is swept for the first time: how long after each was
 * closed it is locked in S3.
 */
export async function arrivalsDuringSweep(
  stack: TestInstallation,
  round: number,
  { bulkFiles, arrivals: count }: { readonly bulkFiles: number; readonly arrivals: number },
): Promise<Row> {
  await stack.down();
  for (let index = 0; index < bulkFiles; index++)
    stack.write('bulk', `${Math.floor(index / filesPerFolder)}/${index}.txt`, smallText());
  await stack.up();
  const started = performance.now();
  const swept = stack.run('sweep', 'bulk', '--wait');
  let isSweeping = true;
  void swept.finally(() => {
    isSweeping = false;
  });
  const arrivals = new Map<string, { closedAt: number; sizeBytes: number }>();
  for (let index = 0; index < count && isSweeping; index++, await sleep(pauseMs)) {
    const content = smallText();
    stack.write('live', `${index}.txt`, content);
    arrivals.set(`${index}.txt`, { closedAt: Date.now(), sizeBytes: content.length });
  }
  const { code, stderr } = await swept;
  const seconds = (performance.now() - started) / 1_000;
  if (code !== 0) throw new Error(`sweep ended with ${code}: ${stderr}`);
  const locked = await lockTimes(stack, 'live', arrivals);
  const bytes = [...arrivals.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    ...{ case: 'event', tool: 'holdfast', round, files: arrivals.size, seconds },
    filesPerSecond: arrivals.size / seconds,
    mbPerSecond: bytes / 1e6 / seconds,
    ...{ cpuSeconds: 0, peakMemoryMb: 0, requests: 0, bytesStored: 0 },
    latencies: [...arrivals].map(
      ([name, { closedAt }]) => ((locked.get(name) ?? Number.NaN) - closedAt) / 1_000,
    ),
  };
}
