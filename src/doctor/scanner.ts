import { malwareStanding, malwareWarnings } from '../quarantine/standing.ts';
import { maxScanBytes } from '../scanner/limits.ts';
import { proofOf } from '../scanner/open-scanner.ts';
import type { ScannerProblem } from '../scanner/proof.ts';
import { readSignatureFile } from '../scanner/signatures.ts';
import { say } from '../text/voice.ts';
import { type Check, type Finding, ok } from './check.ts';

/** What is wrong with a scanner that says OK of what it did not look into, and what to set. */
const remedies: Readonly<Record<ScannerProblem, { readonly what: string; readonly todo: string }>> = {
  blind: {
    what: say('doctor', 'eicar'),
    todo: say('doctor', 'eicar_todo'),
  },
  archives_unopened: {
    what: say('doctor', 'archives'),
    todo: say('doctor', 'archives_todo'),
  },
  encrypted_passes: {
    what: say('doctor', 'encrypted'),
    todo: say('doctor', 'encrypted_todo'),
  },
  limits_pass: {
    what: say('doctor', 'beyond'),
    todo: say('doctor', 'beyond_todo'),
  },
  long_members_pass: {
    what: say('doctor', 'members'),
    todo: say('doctor', 'members_todo'),
  },
};

/** Whether the scanner's OK can be believed: it is put to the proof with a few small contents. */
export const scanner: Check = {
  name: 'scanner',
  async look({ endpoints }) {
    const where = endpoints.signatures;
    const set = 'factsFile' in where ? (await readSignatureFile(where.factsFile)).set : where.set;
    const { problems, takesBytes } = await proofOf(endpoints.clamdSocket, set);
    const findings = problems.map(
      (problem): Finding => ({
        state: 'problem',
        ...remedies[problem],
        means: say('doctor', 'scanner_means'),
      }),
    );
    if (takesBytes < maxScanBytes) {
      findings.push({
        state: 'warning',
        what: say('doctor', 'takes_only', { bytes: String(takesBytes) }),
        means: say('doctor', 'takes_only_means'),
        todo: say('doctor', 'takes_only_todo', { bytes: String(maxScanBytes) }),
      });
    }
    return findings.length > 0 ? findings : [ok(say('doctor', 'scanner_well'))];
  },
};

/** What was found, and what nobody looked at. */
export const malware: Check = {
  name: 'malware',
  async look({ catalog }) {
    const warnings = malwareWarnings(await malwareStanding(await catalog()));
    if (warnings.length === 0) return [ok(say('doctor', 'malware_well'))];
    return warnings.map(
      (what): Finding => ({
        state: 'warning',
        what: `${what[0]?.toUpperCase()}${what.slice(1)}`,
        todo: say('doctor', 'malware_todo'),
      }),
    );
  },
};
