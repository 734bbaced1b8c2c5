import type { Config } from '../config.ts';
import { classifications, type PolicyConfig } from './config.ts';

/**
 * What of the configuration the rules are told, as `data.holdfast.config`.
 *
 * @param recipients names of the OpenPGP recipients, none where none are configured
 */
export function renderPolicyConfig(config: Config, recipients: readonly string[]): PolicyConfig {
  const [first] = config.destinations;
  if (first === undefined) throw new TypeError('configuration without destination');
  const rules = config.policy.sources as PolicyConfig['sources'];
  return {
    lock: first.lock,
    allow_test_signatures: config.policy.allowTestSignatures,
    format: config.format,
    openpgp_recipients: [...recipients],
    sources: Object.fromEntries(config.sources.map(({ name }) => [name, rules[name] ?? {}])),
    destinations: Object.fromEntries(
      config.destinations.map(({ name, jurisdiction }) => [
        name,
        { jurisdiction, classifications: [...classifications] },
      ]),
    ),
  };
}
