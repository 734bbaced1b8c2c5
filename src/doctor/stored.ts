import { say } from '../text/voice.ts';
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
      return [ok(say('doctor', 'stored_well', { day: standing.last.at.slice(0, 10) }))];
    return [
      {
        state: 'warning',
        what: say('doctor', 'stored_never'),
        means: say('doctor', 'stored_never_means'),
        todo: 'holdfast verify --sample 5%',
      },
    ];
  },
};
