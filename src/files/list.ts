import { readdirSync } from 'node:fs';
import { openProblem } from './folder.ts';
import { openSourceFolder, type Unavailable } from './open.ts';
import type { SourceRoot } from './root.ts';

/** The names in a folder of a source, unsorted, as one-byte characters: compact, and they compare as their bytes. */
export function listNames(root: SourceRoot, folder: Buffer): string[] | Unavailable {
  const opened = openSourceFolder(root, folder);
  if (opened.kind !== 'folder') return opened;
  try {
    return readdirSync(opened.path, 'latin1');
  } catch (error) {
    return openProblem(error);
  } finally {
    opened.close();
  }
}
