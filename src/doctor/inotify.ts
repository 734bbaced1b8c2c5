import { readFileSync } from 'node:fs';
import { knownFolders } from '../catalog/watch-query.ts';
import { currentMounts } from '../files/mounts.ts';
import { openRoot } from '../files/root.ts';
import { say } from '../text/voice.ts';
import { watchingOf } from '../watcher/watching.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Whether the kernel lets the watcher watch as many folders as there are. */
export const inotify: Check = {
  name: 'inotify',
  async look({ config, catalog }) {
    const mounts = currentMounts();
    const watched: string[] = [];
    for (const source of config.sources) {
      const root = await openRoot(source.path).catch(() => undefined);
      if (root && watchingOf(source, mounts, root.realPath).by === 'events') watched.push(source.name);
    }
    const folders = await knownFolders(await catalog(), watched);
    return [judgeWatches(folders, Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8')))];
  },
};

/** Other programs of the same account take watches too. */
const roomy = 0.8;

export function judgeWatches(folders: number, most: number): Finding {
  if (folders <= most * roomy)
    return ok(say('doctor', 'watches_well', { folders: String(folders), most: String(most) }));
  const suggested = Math.max(524_288, 2 ** Math.ceil(Math.log2(folders * 2)));
  const setting = `fs.inotify.max_user_watches=${suggested}`;
  return {
    state: folders > most ? 'problem' : 'warning',
    what: say('doctor', 'watches_few', { folders: String(folders), most: String(most) }),
    means: say('doctor', 'watches_means'),
    todo: say('doctor', 'watches_todo', { setting }),
  };
}
