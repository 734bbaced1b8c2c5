import { isFailure } from '../domain/failures.ts';
import { findProblems, type ScannerProblem } from '../scanner/proof.ts';
import { readSignatureFile } from '../scanner/signatures.ts';
import { say } from '../text/voice.ts';
import { locate, type Session } from './session.ts';

/** What the scanner fails at when it is put to the proof. */
export interface ScannerStanding {
  readonly problems: readonly ScannerProblem[];
}

/** Null where it does not answer. */
export async function scannerStanding(session: Session): Promise<ScannerStanding | null> {
  try {
    const { clamdSocket, signatures } = await locate(session);
    const set =
      'factsFile' in signatures ? (await readSignatureFile(signatures.factsFile)).set : signatures.set;
    return { problems: await findProblems(clamdSocket, set) };
  } catch (error) {
    if (isFailure(error)) return null;
    throw error;
  }
}

export const scannerWarnings = ({ problems }: ScannerStanding): string[] =>
  problems.length === 0 ? [] : [say('status', 'scanner_fails', { problems: problems.join(', ') })];
