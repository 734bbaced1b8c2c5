import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import type { ScannerFacts, SignatureSet } from '../domain/records.ts';
import type { ClamdVersion } from './clamscan-facts.ts';

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
 * The signatures of a clamd that somebody else runs, as its version line tells them. Official ones that it does not tell
 * are `scanner_unavailable`; others have no date, and a revision that holds for this process only, so that no earlier
 * verdict is taken over.
 */
export async function externalSignatures(
  set: SignatureSet,
  { loaded }: ClamdVersion,
): Promise<SignatureInfo> {
  if (loaded !== undefined) return { set, revision: loaded.revision, at: loaded.at.toISOString() };
  if (set === 'official')
    throw new Failure('scanner_unavailable', { detail: 'it has no official signatures loaded' });
  return { set, revision: unknownRevision, at: startedAt };
}

const unknownRevision = `unknown-${randomUUID()}`;
const startedAt = new Date().toISOString();

/**
 * Whether `clean` from these signatures means too little. Only official signatures are expected to be renewed;
 * a date that cannot be read is as good as none.
 */
export function isStale(facts: ScannerFacts, now: Date, maxAgeDays: number): boolean {
  if (facts.signatureSet !== 'official') return false;
  const ageMs = now.getTime() - Date.parse(facts.signaturesAt);
  return !(ageMs <= maxAgeDays * dayMs);
}
