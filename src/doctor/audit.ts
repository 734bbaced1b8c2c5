import { auditStanding, auditWarnings } from '../audit/standing.ts';
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
        : ` It begins with head ${beginning.head}: the catalog was rebuilt on ${beginning.at.slice(0, 10)}, and what was told before is lost.`;
    if (warnings.length === 0) return [ok(`The audit trail is signed and anchored.${since}`)];
    return warnings.map((what) => ({
      state: 'problem',
      what,
      means: 'What happened since could be changed by whoever owns the database, and nobody would see it.',
      todo: 'docs/audit.md says what to do.',
    }));
  },
};
