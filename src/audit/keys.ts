/** What heads, exports and proofs are signed with: docs/audit.md section 3. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { RootSecrets } from '../sealed/keyring.ts';
import { expand } from '../sealed/keys.ts';

export interface AuditPublicKey {
  /** First 16 bytes of the SHA-256 of the raw public key, hex. */
  readonly id: Id;
  /** Raw 32 bytes, base64url. */
  readonly text: string;
  readonly key: KeyObject;
}

export interface AuditSigner extends AuditPublicKey {
  /** Ed25519 over a context, a zero byte and the bytes. */
  sign(context: SigningContext, bytes: Buffer): Buffer;
}

/** What a signature is for: one never passes for the other. */
export type SigningContext =
  | 'holdfast/1/audit head'
  | 'holdfast/1/audit beginning'
  | 'holdfast/1/audit export'
  | 'holdfast/1/audit proof';

/** PKCS #8 of an Ed25519 private key up to its 32 bytes (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** One for each master key, in their order: the last one signs. None on a write-only host. */
export function auditSigners({ masters }: Pick<RootSecrets, 'masters'>): AuditSigner[] {
  return masters.map(({ key: master }) => {
    const seed = expand(master, Buffer.from('holdfast/1/audit', 'latin1'), 32);
    const privateKey = createPrivateKey({
      key: Buffer.concat([pkcs8Prefix, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    const text = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
    return {
      ...publicKeyOf(text),
      sign: (context, bytes) => sign(null, signedBytes(context, bytes), privateKey),
    };
  });
}

/** Public keys, one a line, in the order in which they came into use. Failure `audit_key_invalid`. */
export function readPublicKeys(text: string, file: string): AuditPublicKey[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || !lines.every((line) => /^[A-Za-z0-9_-]{43}$/.test(line)))
    throw new Failure('audit_key_invalid', { file });
  return lines.map(publicKeyOf);
}

export function isSigned(
  { key }: AuditPublicKey,
  context: SigningContext,
  bytes: Buffer,
  signature: Buffer,
): boolean {
  return signature.length === 64 && verify(null, signedBytes(context, bytes), key, signature);
}

function publicKeyOf(text: string): AuditPublicKey {
  const id = hash('sha256', Buffer.from(text, 'base64url'), 'hex').slice(0, 32);
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
  return { id, text, key };
}

const signedBytes = (context: SigningContext, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${context}\0`, 'latin1'), bytes]);
