import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { TestInstallation } from '../test/support/installation.ts';
import { halfCompressible } from './content.ts';
import { type Measured, measure } from './measure.ts';

const name = 'large.bin';

/** One large file, which comes into the source by a rename when it is complete and on the disk. */
export function largeFile(stack: TestInstallation, sizeBytes: number): Promise<Measured> {
  const beside = path.join(stack.folder, name);
  const descriptor = openSync(beside, 'wx');
  for (const block of halfCompressible(sizeBytes)) writeSync(descriptor, block);
  fsyncSync(descriptor);
  closeSync(descriptor);
  return measure(stack, `one file of ${sizeBytes / 1_000_000} MB`, 'large', async () => {
    renameSync(beside, stack.path('large', name));
    return new Map([[name, { closedAt: Date.now(), sizeBytes }]]);
  });
}
