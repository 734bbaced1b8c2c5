import type { Config } from '../config.ts';
import { classifications, type PolicyConfig } from './config.ts';

/** What of the configuration the rules are told, as `data.holdfast.config`. */
export function renderPolicyConfig(config: Config): PolicyConfig {
  const [first] = config.destinations;
  if (first === undefined) throw new TypeError('configuration without destination');
  const rules = config.policy.sources as PolicyConfig['sources'];
  return {
    lock: first.lock,
    allow_test_signatures: config.policy.allowTestSignatures,
    sources: Object.fromEntries(config.sources.map(({ name }) => [name, rules[name] ?? {}])),
    destinations: Object.fromEntries(
      config.destinations.map(({ name, jurisdiction }) => [
        name,
        { jurisdiction, classifications: [...classifications] },
      ]),
    ),
  };
}
