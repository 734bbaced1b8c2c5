import type { Config } from '../config.ts';
import { connectionOf } from '../stack/endpoints.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Whether the configuration asks for anything that is less safe than it could be. */
export const settings: Check = {
  name: 'settings',
  async look({ config, hasPasswordInEnvironment }) {
    const findings = judgeSettings(config, hasPasswordInEnvironment);
    return findings.length > 0 ? findings : [ok(say('doctor', 'settings_well'))];
  },
};

export function judgeSettings(config: Config, hasPasswordInEnvironment: boolean): Finding[] {
  const { services, destinations, logs } = config;
  const findings: Finding[] = [];
  const unencrypted = [
    services.temporal.mode === 'external' && services.temporal.insecure ? 'temporal' : '',
    services.postgres.mode === 'external' && services.postgres.insecure ? 'postgres' : '',
    logs.loki?.insecure ? 'loki' : '',
    ...destinations
      .filter((destination) => {
        const s3 = connectionOf(config, destination);
        return s3 !== 'embedded' && s3.insecure;
      })
      .map(({ name }) => say('doctor', 's3_of', { name })),
  ].filter((name) => name !== '');
  if (unencrypted.length > 0)
    findings.push({
      state: 'problem',
      what: say('doctor', 'insecure', { what: unencrypted.join(', ') }),
      means: say('doctor', 'insecure_means'),
      todo: say('doctor', 'insecure_todo'),
    });
  if (services.clamd.mode === 'external' && services.clamd.signatureSet === 'builtin-test')
    findings.push({
      state: 'problem',
      what: say('doctor', 'test_set'),
      means: say('doctor', 'malware_not_found'),
      todo: say('doctor', 'test_set_todo'),
    });
  if (hasPasswordInEnvironment)
    findings.push({
      state: 'warning',
      what: say('doctor', 'password_in_env'),
      means: say('doctor', 'password_in_env_means'),
      todo: say('doctor', 'password_in_env_todo'),
    });
  for (const { name, lock } of destinations) {
    if (lock.mode === 'COMPLIANCE' || isHere(config, name)) continue;
    findings.push({
      state: 'warning',
      what: say('doctor', 'governance', { name }),
      means: say('doctor', 'governance_means'),
      todo: say('doctor', 'governance_todo'),
    });
  }
  return findings;
}

function isHere(config: Config, name: string): boolean {
  const destination = config.destinations.find((each) => each.name === name);
  return destination !== undefined && connectionOf(config, destination) === 'embedded';
}
