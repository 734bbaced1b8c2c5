import type { Config } from '../config.ts';
import { connectionOf } from '../stack/endpoints.ts';
import { type Check, type Finding, ok } from './check.ts';

/** Whether the configuration asks for anything that is less safe than it could be. */
export const settings: Check = {
  name: 'settings',
  async look({ config, hasPasswordInEnvironment }) {
    const findings = judgeSettings(config, hasPasswordInEnvironment);
    return findings.length > 0
      ? findings
      : [ok('Nothing in the configuration is less safe than it could be.')];
  },
};

export function judgeSettings(config: Config, hasPasswordInEnvironment: boolean): Finding[] {
  const { services, destinations } = config;
  const findings: Finding[] = [];
  const unencrypted = [
    services.temporal.mode === 'external' && services.temporal.insecure ? 'temporal' : '',
    services.postgres.mode === 'external' && services.postgres.insecure ? 'postgres' : '',
    ...destinations
      .filter((destination) => {
        const s3 = connectionOf(config, destination);
        return s3 !== 'embedded' && s3.insecure;
      })
      .map(({ name }) => `s3 of ${name}`),
  ].filter((name) => name !== '');
  if (unencrypted.length > 0)
    findings.push({
      state: 'problem',
      what: `\`insecure\` lets connections go unencrypted: ${unencrypted.join(', ')}.`,
      means: 'Whoever listens on the network reads what is sent, credentials of Postgres and Temporal too.',
      todo: 'Set up TLS there (caFile, or https:// of S3), and take `insecure` out of holdfast.yaml.',
    });
  if (services.clamd.mode === 'external' && services.clamd.signatureSet === 'builtin-test')
    findings.push({
      state: 'problem',
      what: 'The configuration says that the external scanner has test signatures only.',
      means: 'Malware is not found.',
      todo: 'Let its freshclam reach database.clamav.net, and set services.clamd.signatureSet to official.',
    });
  if (hasPasswordInEnvironment)
    findings.push({
      state: 'warning',
      what: 'The password is in the environment (HOLDFAST_PASSWORD).',
      means: 'It may lie in shell histories, unit files and process listings.',
      todo: 'Put it into a file of mode 600, and give it with passwordFile or --password-file.',
    });
  for (const { name, lock } of destinations) {
    if (lock.mode === 'COMPLIANCE' || isHere(config, name)) continue;
    findings.push({
      state: 'warning',
      what: `${name} locks in GOVERNANCE mode.`,
      means:
        'Who has s3:BypassGovernanceRetention in that account, like its administrator, can delete before the locks end.',
      todo: 'Protect that account with a second factor, or set lock.mode to COMPLIANCE, which nobody can take back.',
    });
  }
  return findings;
}

function isHere(config: Config, name: string): boolean {
  const destination = config.destinations.find((each) => each.name === name);
  return destination !== undefined && connectionOf(config, destination) === 'embedded';
}
