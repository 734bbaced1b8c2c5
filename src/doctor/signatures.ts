import { readSignatureFile } from '../scanner/signatures.ts';
import { say } from '../text/voice.ts';
import { type Check, daysUntil, ok } from './check.ts';

/** Whether the scanner's signatures are worth something. */
export const signatures: Check = {
  name: 'signatures',
  async look({ endpoints, config }) {
    const where = endpoints.signatures;
    const info =
      'factsFile' in where ? await readSignatureFile(where.factsFile) : { set: where.set, at: undefined };
    if (info.set === 'builtin-test') {
      return [
        {
          state: 'warning',
          what: say('doctor', 'built_in'),
          means: say('doctor', 'malware_not_found'),
          todo: say('doctor', 'built_in_todo'),
        },
      ];
    }
    if (info.at === undefined) return [ok(say('doctor', 'external_set'))];
    const ageDays = -daysUntil(new Date(info.at));
    const mostDays = config.policy.maxSignatureAge / 86_400_000;
    if (info.set !== 'official' || ageDays <= mostDays)
      return [ok(say('doctor', 'signatures_well', { set: info.set, days: ageDays }))];
    return [
      {
        state: 'problem',
        what: say('doctor', 'signatures_old', { days: ageDays, most: mostDays }),
        means: say('doctor', 'signatures_old_means'),
        todo: say('doctor', 'signatures_old_todo'),
      },
    ];
  },
};
