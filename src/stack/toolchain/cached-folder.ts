import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../files/make-folder.ts';
import { withLock } from '../lock.ts';

/** Tells the operator what takes long, one short sentence each. */
export type Progress = (message: string) => void;

/**
 * The folder `<cache>/tools/<name>`. If it does not exist, `fill` fills a temporary folder that is then renamed, so a
 * folder that exists is complete; two processes at once fill it once.
 */
export async function cachedFolder(
  cache: string,
  name: string,
  onProgress: Progress,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = path.join(cache, 'tools', name);
  if (existsSync(folder)) return folder;
  makeFolder(path.dirname(folder), 0o755);
  const onWait = () => onProgress(`waiting for another process that prepares ${name}`);
  await withLock(`tool ${folder}`, onWait, async () => {
    if (existsSync(folder)) return;
    const temporary = mkdtempSync(`${folder}.part-`);
    try {
      await fill(temporary);
      // mkdtemp makes it 0700; services run as other users.
      chmodSync(temporary, 0o755);
      renameSync(temporary, folder);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  });
  return folder;
}
