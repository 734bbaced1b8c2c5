import { statfs } from 'node:fs/promises';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Staging, catalog and logs stop when the disk is full. */
const leastFree = 0.1;
const leastFreeAtAll = 0.02;

export const disk: Check = {
  name: 'disk',
  async look({ home }) {
    const { bavail, blocks } = await statfs(home);
    const free = bavail / blocks;
    const percent = Math.floor(free * 100);
    if (free >= leastFree) return [ok(say('doctor', 'disk_well', { percent }))];
    return [
      {
        state: free < leastFreeAtAll ? 'problem' : 'warning',
        what: say('doctor', 'disk_full', { percent, home }),
        means: say('doctor', 'disk_means'),
        todo: say('doctor', 'disk_todo'),
      },
    ];
  },
};
