import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import type { ScannerFacts, SignatureSet } from '../domain/records.ts';

/** The loaded signatures: which kind, which bytes, and when they were published. */
export interface SignatureInfo {
  readonly set: SignatureSet;
  /** Equal revisions give equal verdicts. */
  readonly revision: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

const signatureInfo = z.strictObject({
  set: z.enum(['official', 'custom', 'builtin-test']),
  revision: z.string().min(1),
  at: z.iso.datetime(),
});

const dayMs = 24 * 60 * 60 * 1000;

/** Reads the facts file that lies beside the signature database. Throws `scanner_unavailable`. */
export async function readSignatureFile(path: string): Promise<SignatureInfo> {
  try {
    return signatureInfo.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new Failure('scanner_unavailable', { detail: 'its signatures are unknown' }, { cause });
  }
}

/**
 * Whether `clean` from these signatures means too little. Only official signatures are expected to be renewed;
 * a date that cannot be read is as good as none.
 */
export function isStale(facts: ScannerFacts, now: Date, maxAgeDays: number): boolean {
  if (facts.signatureSet !== 'official') return false;
  const ageMs = now.getTime() - Date.parse(facts.signaturesAt);
  return !(ageMs <= maxAgeDays * dayMs);
}
