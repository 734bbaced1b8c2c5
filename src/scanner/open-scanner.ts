import type { Config } from '../config.ts';
import type { SignatureSet } from '../domain/records.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import { ClamdScanner } from './clamd-client.ts';
import { maxScanBytes } from './limits.ts';
import { proveScanner, type ScannerProof } from './proof.ts';
import { externalSignatures, readSignatureFile } from './signatures.ts';

type ScannerPlace = Pick<Endpoints, 'clamdSocket' | 'signatures'>;

export interface ScannerChoices {
  /** Told each time clamd was put to the proof. */
  readonly onProof?: (proof: ScannerProof) => void;
  /** Longest time from the first byte handed over to the reply, by content size. Milliseconds. */
  readonly deadlineMs?: (sizeBytes: number, patient: boolean) => number;
  /** Folder for copies of longer content, made where it is missing; without one everything is streamed. */
  readonly copies?: string;
}

/** The scanner of this host, as the configuration names it. */
export function openScanner(
  { clamdSocket, signatures }: ScannerPlace,
  { policy }: Pick<Config, 'policy'>,
  { onProof = () => {}, deadlineMs = scanDeadlineMs, copies }: ScannerChoices = {},
): ClamdScanner {
  if (copies !== undefined) makeFolder(copies);
  return new ClamdScanner({
    socketPath: clamdSocket,
    deadlineMs,
    maxScanBytes,
    maxSignatureAgeDays: policy.maxSignatureAge / 86_400_000,
    signatures: (clamd) =>
      'factsFile' in signatures
        ? readSignatureFile(signatures.factsFile)
        : externalSignatures(signatures.set, clamd),
    async prove({ signatureSet }) {
      const proof = await proofOf(clamdSocket, signatureSet, copies);
      onProof(proof);
      return proof;
    },
    ...(copies === undefined ? {} : { copies }),
  });
}

export const proofOf = (
  socketPath: string,
  signatureSet: SignatureSet,
  copies?: string,
): Promise<ScannerProof> =>
  proveScanner(socketPath, {
    ...{ signatureSet, mostBytes: maxScanBytes },
    ...(copies === undefined ? {} : { copies }),
  });

/** clamd gives up by itself after this: MaxScanTime. Milliseconds. */
const longestScanMs = 600_000;

/**
 * A small file is scanned in milliseconds; a large one at 10 MB/s at worst. A small archive may hold a hundred times its
 * size, and a machine may be busy: what was not judged in that time gets clamd's own.
 */
function scanDeadlineMs(sizeBytes: number, patient: boolean): number {
  return patient ? longestScanMs : Math.min(4_000 + sizeBytes / 10_000, longestScanMs);
}
