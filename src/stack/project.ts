import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of the project's own package.json, in a checkout and in a packed install alike. */
export const projectRoot: string = findRoot(import.meta.dirname);

function findRoot(folder: string): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    if ((manifest as { name?: unknown }).name === 'holdfast') return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error('the project folder was not found');
  return findRoot(parent);
}
