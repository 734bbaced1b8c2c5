import { type Config, type DestinationConfig, embeddedRegion } from '../config.ts';
import type { LockDays } from '../storage/object-store.ts';
import { classifications, type PolicyConfig } from './config.ts';

/**
 * What of the configuration the rules are told, as `data.holdfast.config`.
 *
 * @param recipients names of the OpenPGP recipients, none where none are configured
 */
export function renderPolicyConfig(config: Config, recipients: readonly string[]): PolicyConfig {
  const rules = config.policy.sources as PolicyConfig['sources'];
  return {
    lock: weakest(config.destinations.map(({ lock }) => lock)),
    allow_test_signatures: config.policy.allowTestSignatures,
    format: config.format,
    openpgp_recipients: [...recipients],
    sources: Object.fromEntries(config.sources.map(({ name }) => [name, rules[name] ?? {}])),
    destinations: Object.fromEntries(
      config.destinations.map((destination) => [
        destination.name,
        {
          jurisdiction: destination.jurisdiction,
          region: configuredRegion(config, destination),
          classifications: [...classifications],
        },
      ]),
    ),
  };
}

/** Where the operator says that the bucket lies: the same of a server that is embedded here and one that others reach over the network. */
export function configuredRegion({ services: { s3 } }: Config, destination: DestinationConfig): string {
  if (destination.s3 !== undefined) return destination.s3.region;
  return s3.mode === 'external' ? s3.region : embeddedRegion;
}

/** What holds for every object, wherever it goes; the pipeline raises it to each destination's own lock. */
function weakest(locks: readonly LockDays[]): LockDays {
  return {
    mode: locks.every(({ mode }) => mode === 'COMPLIANCE') ? 'COMPLIANCE' : 'GOVERNANCE',
    days: Math.min(...locks.map(({ days }) => days)),
  };
}
