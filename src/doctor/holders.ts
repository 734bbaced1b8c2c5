import { kitHolder } from '../keys/open-keyring.ts';
import { documentsToKeep } from '../keys/publish.ts';
import { readRootHeader } from '../sealed/keyring.ts';
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
    if (outdated.length === 0) return [ok(`All ${roots.length} holders have the newest keys.`)];
    return outdated.map(({ holder }) => ({
      state: 'warning',
      what: `${holder === kitHolder ? 'The recovery kit' : `The holder ${holder}`} lacks the newest keys: they were rotated since.`,
      means: 'It opens what was sealed by then, and nothing that came later.',
      todo: `holdfast key add-holder ${holder}`,
    }));
  },
};
