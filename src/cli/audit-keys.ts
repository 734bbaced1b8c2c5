import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AuditPublicKey, type AuditSigner, auditSigners, readPublicKeys } from '../audit/keys.ts';
import { Failure } from '../domain/failures.ts';
import type { Installation } from '../installation.ts';
import { requireReader, type Session, sessionConfig, unlock } from './session.ts';

/** The keys a file pins, or without one those of the keyring, which takes the password. Failure `audit_key_invalid`. */
export async function auditKeys(
  session: Session,
  file: string | undefined,
): Promise<readonly AuditPublicKey[]> {
  if (file === undefined) {
    requireReader(sessionConfig(session));
    return auditSigners((await unlock(session)).keyring.root);
  }
  try {
    return readPublicKeys(readFileSync(resolve(file), 'utf8'), file);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure('audit_key_invalid', { file }, { cause: error });
  }
}

/** What this installation signs with. Failure `write_only_host`. */
export function auditSigner({ config, keyring }: Installation): AuditSigner {
  requireReader(config);
  const signer = auditSigners(keyring.root).at(-1);
  if (signer === undefined) throw new TypeError('a keyring without a master key');
  return signer;
}
