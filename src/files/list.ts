import { readdir } from 'node:fs/promises';
import { openProblem } from './folder.ts';
import { openSourceFolder, type Unavailable } from './open.ts';
import type { SourceRoot } from './root.ts';

/** The names in a folder of a source, unsorted, as one-byte characters: compact, and they compare as their bytes. */
export async function listNames(root: SourceRoot, folder: Buffer): Promise<string[] | Unavailable> {
  const opened = openSourceFolder(root, folder);
  if (opened.kind !== 'folder') return opened;
  try {
    return await readdir(opened.path, 'latin1');
  } catch (error) {
    return openProblem(error);
  } finally {
    opened.close();
  }
}
