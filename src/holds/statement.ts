/** What somebody signs to decide a hold: docs/format.md section 9. */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { DestinationConfig } from '../config.ts';
import { canonical } from '../domain/canonical.ts';
import type { Classification, Id, LockMode } from '../domain/records.ts';
import { lockTowards } from '../pipeline/several.ts';
import type { HeldFile } from './held.ts';

/** What is decided about: all of it known to the catalog, nothing of it to be chosen by whoever signs. */
export interface HoldTerms {
  readonly repository: Id;
  readonly hold: Id;
  /** Of the content, hex. */
  readonly sha512: string;
  /** Of the staged bytes, hex: exactly these go to the bucket. */
  readonly sealedSha256: string;
  readonly classification: Classification;
  readonly destination: string;
  /** The decision that holds it. */
  readonly decision: Id;
  readonly lock: { readonly mode: LockMode; readonly days: number };
}

/** What a decision about the hold is about. */
export function termsOf(
  repository: Id,
  held: HeldFile,
  destination: Pick<DestinationConfig, 'lock'>,
): HoldTerms {
  return {
    repository,
    hold: held.id,
    sha512: held.sha512.toString('hex'),
    sealedSha256: held.sealedSha256.toString('hex'),
    classification: held.admission.classification,
    destination: held.destination,
    decision: held.decisionId,
    lock: lockTowards(held.admission.retention, destination),
  };
}

export interface Statement extends HoldTerms {
  readonly v: 1;
  /** ISO 8601 UTC with milliseconds: later it does not count. */
  readonly notAfter: string;
  readonly verdict: 'approve' | 'reject';
  readonly approver: string;
}

export function statementOf(
  terms: HoldTerms,
  said: Pick<Statement, 'verdict' | 'approver' | 'notAfter'>,
): Statement {
  return { v: 1, ...terms, ...said };
}

/** The Ed25519 signature, 64 bytes. */
export function signStatement(statement: Statement, key: KeyObject): Buffer {
  return sign(null, canonical(statement), key);
}

/** @param publicKey raw 32 bytes, base64url */
export function isSignedBy(statement: Statement, signature: Buffer, publicKey: string): boolean {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
  return verify(null, canonical(statement), key, signature);
}
