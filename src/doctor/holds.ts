import { holdTotals } from '../holds/held.ts';
import { holdSentence, holdWarnings } from '../holds/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** What waits for somebody's decision, and what could not even wait. */
export const holds: Check = {
  name: 'holds',
  async look({ catalog, config }) {
    const totals = await holdTotals(await catalog());
    const warnings = holdWarnings(totals).map((what) => ({ state: 'problem' as const, what }));
    const sentence = holdSentence(totals);
    if (sentence === undefined) return [ok(say('doctor', 'holds_well')), ...warnings];
    // Half of the time is over, so that whoever decides has the other half.
    const isLate = totals.oldestSeconds * 1_000 > config.staging.expires / 2;
    if (!isLate) return [ok(`${sentence}.`), ...warnings];
    return [
      {
        state: 'warning',
        what: `${sentence}.`,
        means: say('doctor', 'holds_means'),
        todo: say('doctor', 'holds_todo'),
      },
      ...warnings,
    ];
  },
};
