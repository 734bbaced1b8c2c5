import { currentEpoch } from '../catalog/policy-query.ts';
import { policyStanding } from '../policy/installed.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Whether the policy that was put in force last is the one that decides. */
export const policy: Check = {
  name: 'policy',
  async look({ home, config, catalog }) {
    const standing = policyStanding(home);
    const epoch = await currentEpoch(await catalog(), config.host.id);
    if (epoch === undefined) return [ok(say('doctor', 'policy_none'))];
    const findings: Finding[] = [];
    if (standing?.refused !== undefined) {
      findings.push({
        state: 'warning',
        what: say('doctor', 'policy_refused', { detail: standing.refused.detail }),
        means: say('doctor', 'policy_refused_means'),
        todo: say('doctor', 'policy_refused_todo'),
      });
    }
    if (config.services.opa.mode === 'embedded' && standing?.revision !== epoch.revision) {
      findings.push({
        state: 'problem',
        what: say('doctor', 'policy_differs'),
        means: say('doctor', 'policy_differs_means'),
        todo: 'holdfast policy apply',
      });
    }
    return findings.length > 0
      ? findings
      : [ok(say('doctor', 'policy_well', { revision: epoch.revision.slice(0, 16) }))];
  },
};
