import { copiesStanding, copiesWarnings } from '../replicate/standing.ts';
import { type Check, ok } from './check.ts';

/** Whether every destination has its copies. */
export const copies: Check = {
  name: 'copies',
  async look({ catalog, config: { destinations } }) {
    if (destinations.length < 2) {
      return [ok('There is one destination.')];
    }
    const standing = await copiesStanding(await catalog(), destinations);
    const warnings = copiesWarnings(standing, (at) => at.toISOString().slice(0, 16));
    if (warnings.length === 0) return [ok('Every destination has its copy of every version.')];
    return warnings.map((what) => ({
      state: 'warning',
      what,
      means: 'These versions are as safe as the destinations that have them, not as all of them together.',
    }));
  },
};
