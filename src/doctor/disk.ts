import { statfs } from 'node:fs/promises';
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
    if (free >= leastFree) return [ok(`${percent} % of the state folder's disk are free.`)];
    return [
      {
        state: free < leastFreeAtAll ? 'problem' : 'warning',
        what: `Only ${percent} % of the disk with ${home} are free.`,
        means: 'When it is full, the catalog stops and nothing is protected any more.',
        todo: 'Make room, or move the `data` folder of the state folder (docs/operations.md).',
      },
    ];
  },
};
