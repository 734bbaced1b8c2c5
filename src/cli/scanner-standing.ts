import { isFailure } from '../domain/failures.ts';
import { proofOf } from '../scanner/open-scanner.ts';
import type { ScannerProof } from '../scanner/proof.ts';
import { readSignatureFile } from '../scanner/signatures.ts';
import { locate, type Session } from './session.ts';

/** What the scanner does when it is put to the proof; null where it does not answer. */
export async function scannerStanding(session: Session): Promise<ScannerProof | null> {
  try {
    const { clamdSocket, signatures } = await locate(session);
    const set =
      'factsFile' in signatures ? (await readSignatureFile(signatures.factsFile)).set : signatures.set;
    return await proofOf(clamdSocket, set);
  } catch (error) {
    if (isFailure(error)) return null;
    throw error;
  }
}

export const scannerWarnings = ({ problems }: ScannerProof): string[] =>
  problems.length === 0
    ? []
    : [
        `the scanner fails its probes (${problems.join(', ')}): nothing counts as clean. Run: holdfast doctor`,
      ];
