import { journalLags } from '../catalog/journal-query.ts';
import { type Check, ok } from './check.ts';

/** A manifest lists every version at the latest a minute after it was settled; beyond this something is wrong. */
const mostSeconds = 300;

/** Whether the manifests in the bucket keep up: what they do not list, a recovery without catalog may lack. */
export const journal: Check = {
  name: 'journal',
  async look({ catalog }) {
    const late = (await journalLags(await catalog())).filter(
      ({ oldestSeconds }) => oldestSeconds > mostSeconds,
    );
    if (late.length === 0) return [ok('The manifests in the bucket are up to date.')];
    return late.map(({ source, versions, oldestSeconds }) => ({
      state: 'problem',
      what: `${source}: ${versions} versions are in no manifest yet, the oldest for ${Math.round(oldestSeconds / 60)} minutes.`,
      means:
        'If this machine were lost now, their folders, links, renames and deletions could not be recovered.',
      todo: 'Is the worker running, and the bucket reachable? Its log says why it does not write them.',
    }));
  },
};
