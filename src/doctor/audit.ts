import { auditStanding, auditWarnings } from '../audit/standing.ts';
import { say } from '../text/voice.ts';
import { type Check, ok } from './check.ts';

/** Whether the audit trail is signed, anchored and, when last verified, as it was signed. */
export const audit: Check = {
  name: 'audit',
  async look({ catalog, config }) {
    const standing = await auditStanding(await catalog(), config.destinations);
    const warnings = auditWarnings(standing);
    const beginning = standing.verified?.beginning ?? null;
    const since =
      beginning === null
        ? ''
        : ` ${say('doctor', 'audit_begins', { head: String(beginning.head), day: beginning.at.slice(0, 10) })}`;
    if (warnings.length === 0) return [ok(say('doctor', 'audit_well', { since }))];
    return warnings.map((what) => ({
      state: 'problem',
      what,
      means: say('doctor', 'audit_means'),
      todo: say('doctor', 'audit_todo'),
    }));
  },
};
