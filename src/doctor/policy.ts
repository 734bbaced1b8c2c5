import { currentEpoch } from '../catalog/policy-query.ts';
import { policyStanding } from '../policy/installed.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Whether the policy that was put in force last is the one that decides. */
export const policy: Check = {
  name: 'policy',
  async look({ home, config, catalog }) {
    const standing = policyStanding(home);
    const epoch = await currentEpoch(await catalog(), config.host.id);
    if (epoch === undefined) return [ok('No policy has decided anything yet.')];
    const findings: Finding[] = [];
    if (standing?.refused !== undefined) {
      findings.push({
        state: 'warning',
        what: `A newer policy was not taken: ${standing.refused.detail}`,
        means: 'The one before it still decides.',
        todo: 'holdfast policy check; then holdfast policy apply',
      });
    }
    if (config.services.opa.mode === 'embedded' && standing?.revision !== epoch.revision) {
      findings.push({
        state: 'problem',
        what: 'The worker judges by another policy than OPA was given.',
        means: 'Nothing is decided until they agree: files wait.',
        todo: 'holdfast policy apply',
      });
    }
    return findings.length > 0 ? findings : [ok(`Policy ${epoch.revision.slice(0, 16)} is in force.`)];
  },
};
