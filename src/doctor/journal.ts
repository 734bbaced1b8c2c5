import { journalLags } from '../catalog/journal-query.ts';
import { say } from '../text/voice.ts';
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
    if (late.length === 0) return [ok(say('doctor', 'journal_well'))];
    return late.map(({ source, versions, oldestSeconds }) => ({
      state: 'problem',
      what: say('doctor', 'journal_behind', {
        source,
        versions: String(versions),
        minutes: String(Math.round(oldestSeconds / 60)),
      }),
      means: say('doctor', 'journal_means'),
      todo: say('doctor', 'journal_todo'),
    }));
  },
};
