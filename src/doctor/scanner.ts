import { malwareStanding, malwareWarnings } from '../quarantine/standing.ts';
import { maxScanBytes } from '../scanner/limits.ts';
import { proofOf } from '../scanner/open-scanner.ts';
import type { ScannerProblem } from '../scanner/proof.ts';
import { readSignatureFile } from '../scanner/signatures.ts';
import { type Check, type Finding, ok } from './check.ts';

/** What is wrong with a scanner that says OK of what it did not look into, and what to set. */
const remedies: Readonly<Record<ScannerProblem, { readonly what: string; readonly todo: string }>> = {
  blind: {
    what: 'The scanner does not find the EICAR test file.',
    todo: 'Look what signatures it has loaded: its log tells.',
  },
  archives_unopened: {
    what: 'The scanner does not look into archives.',
    todo: 'Set `ScanArchive yes` in its clamd.conf.',
  },
  encrypted_passes: {
    what: 'The scanner calls encrypted content clean.',
    todo: 'Set `AlertEncrypted yes` in its clamd.conf.',
  },
  limits_pass: {
    what: 'The scanner calls content beyond its limits clean.',
    todo: 'Set `AlertExceedsMax yes` in its clamd.conf.',
  },
  long_members_pass: {
    what: 'The scanner calls members of zip archives clean that are longer than it looks at.',
    todo: 'Put the signature of docs/malware.md, "An external clamd", into its database folder.',
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
        means: 'None of its verdicts counts as clean: files wait, then they are held.',
      }),
    );
    if (takesBytes < maxScanBytes) {
      findings.push({
        state: 'warning',
        what: `The scanner takes files up to ${takesBytes} bytes only.`,
        means: 'Larger ones are stored unscanned, or held, as policy says for `too_large`.',
        todo: `Set StreamMaxLength and MaxFileSize to ${maxScanBytes} in its clamd.conf.`,
      });
    }
    return findings.length > 0 ? findings : [ok('The scanner passes its probes.')];
  },
};

/** What was found, and what nobody looked at. */
export const malware: Check = {
  name: 'malware',
  async look({ catalog }) {
    const warnings = malwareWarnings(await malwareStanding(await catalog()));
    if (warnings.length === 0) return [ok('No infection is open, and everything stored was scanned.')];
    return warnings.map(
      (what): Finding => ({
        state: 'warning',
        what: `${what[0]?.toUpperCase()}${what.slice(1)}`,
        todo: 'docs/malware.md says what each means.',
      }),
    );
  },
};
