import { copiesStanding, copiesWarnings } from '../replicate/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether every destination has its copies. */
export const copies: Check = {
  name: 'copies',
  async look({ catalog, config: { destinations } }) {
    if (destinations.length < 2) {
      return [ok(say('doctor', 'one_destination'))];
    }
    const standing = await copiesStanding(await catalog(), destinations);
    const warnings = copiesWarnings(standing, (at) => at.toISOString().slice(0, 16));
    if (warnings.length === 0) return [ok(say('doctor', 'copies_well'))];
    return warnings.map((what) => ({
      state: 'warning',
      what,
      means: say('doctor', 'copies_means'),
    }));
  },
};
