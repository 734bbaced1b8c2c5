import { standingWarnings, verifyStanding } from '../verify/standing.ts';
import { type Check, ok } from './check.ts';

/** Whether what was verified so far is as it should be. */
export const stored: Check = {
  name: 'stored-objects',
  async look({ catalog }) {
    const standing = await verifyStanding(await catalog());
    const warnings = standingWarnings(standing);
    if (warnings.length > 0) return warnings.map((what) => ({ state: 'problem', what }));
    if (standing.last !== null)
      return [ok(`Last verified ${standing.last.at.slice(0, 10)}; nothing is amiss.`)];
    return [
      {
        state: 'warning',
        what: 'Nothing in the bucket was ever verified.',
        means: 'A sample is verified daily while Holdfast runs; none was yet.',
        todo: 'holdfast verify --sample 5%',
      },
    ];
  },
};
