import { kitHolder } from '../keys/open-keyring.ts';
import { documentsToKeep } from '../keys/publish.ts';
import { readRootHeader } from '../sealed/keyring.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether every holder's document has the newest keys. */
export const holders: Check = {
  name: 'holders',
  async look({ documents }) {
    const roots = documentsToKeep(documents, new Set())
      .filter(({ name }) => name.startsWith('keys/root/'))
      .map(({ bytes }) => readRootHeader(bytes));
    const newest = roots.reduce((a, b) => (b.generation > a.generation ? b : a));
    const outdated = roots.filter(({ keyId }) => keyId !== newest.keyId);
    if (outdated.length === 0) return [ok(say('doctor', 'holders_well', { count: roots.length }))];
    return outdated.map(({ holder }) => ({
      state: 'warning',
      what: say('doctor', 'holder_lacks', {
        who: holder === kitHolder ? say('doctor', 'the_kit') : say('doctor', 'the_holder', { name: holder }),
      }),
      means: say('doctor', 'holder_lacks_means'),
      todo: `holdfast key add-holder ${holder}`,
    }));
  },
};
