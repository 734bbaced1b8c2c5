import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInstallation } from '../test/support/installation.ts';
import { type Arrivals, lockTimes } from './arrivals.ts';
import { smallText } from './content.ts';
import { type Measured, measure } from './measure.ts';

const filesPerFolder = 100;
/** Between one file's lock and the next file. */
const pauseMs = 500;

/** Many small files at once, in folders of a hundred. */
export function burst(stack: TestInstallation, files: number): Promise<Measured> {
  return measure(stack, `${files} small files at once`, 'burst', async () => {
    const contents = Array.from({ length: files }, smallText);
    const arrivals = new Map<string, { closedAt: number; sizeBytes: number }>();
    for (const [index, content] of contents.entries()) {
      const name = `folder-${Math.floor(index / filesPerFolder)}/${index}.txt`;
      stack.write('burst', name, content);
      arrivals.set(name, { closedAt: Date.now(), sizeBytes: content.length });
    }
    return arrivals;
  });
}

/** Small files of which each comes when the one before is locked. */
export function oneByOne(stack: TestInstallation, files: number): Promise<Measured> {
  return measure(stack, `${files} small files one by one`, 'singles', async () => {
    const all = new Map<string, { closedAt: number; sizeBytes: number }>();
    for (let index = 0; index < files; index++) {
      for (const [path, file] of await oneFile(stack, `${index}.txt`)) all.set(path, file);
    }
    return all;
  });
}

/** The first file of a stack, for which everything is loaded and connected; not measured. */
export async function warmUp(stack: TestInstallation): Promise<void> {
  await oneFile(stack, 'first.txt');
}

async function oneFile(stack: TestInstallation, name: string): Promise<Arrivals> {
  const content = smallText();
  stack.write('singles', name, content);
  const arrivals = new Map([[name, { closedAt: Date.now(), sizeBytes: content.length }]]);
  await lockTimes(stack, 'singles', arrivals);
  await sleep(pauseMs);
  return arrivals;
}
