import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { TestInstallation } from '../test/support/installation.ts';

/** Bytes of all current objects in a bucket of the installation's S3 server, ours unless named; 0 if there is none. */
export async function storedBytes(stack: TestInstallation, bucket?: string): Promise<number> {
  const { bucket: ours } = await stack.service('s3');
  const folder = path.join(stack.home, 'data', 's3', 'objects', bucket ?? String(ours));
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .reduce((sum, one) => sum + statSync(path.join(one.parentPath, one.name)).size, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
