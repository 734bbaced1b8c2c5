import { readSignatureFile } from '../scanner/signatures.ts';
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
          what: 'The scanner has only the built-in test signature.',
          means: 'Malware is not found.',
          todo: 'Let freshclam reach database.clamav.net, or put signatures into the `signatures` folder of the state folder.',
        },
      ];
    }
    if (info.at === undefined)
      return [ok('The signatures are those of an external clamd, which tells their age itself.')];
    const ageDays = -daysUntil(new Date(info.at));
    const mostDays = config.policy.maxSignatureAge / 86_400_000;
    if (info.set !== 'official' || ageDays <= mostDays)
      return [ok(`The signatures (${info.set}) are ${ageDays} days old.`)];
    return [
      {
        state: 'problem',
        what: `The virus signatures are ${ageDays} days old; policy takes at most ${mostDays}.`,
        means: 'No verdict of theirs counts as clean: files wait, then they are held.',
        todo: 'Let freshclam reach database.clamav.net.',
      },
    ];
  },
};
