/** Private keys of approvers: docs/format.md section 9.2. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';

export interface NewApproverKey {
  /** The private key as PEM with the person's name in front, for a file of mode 0600. */
  readonly pem: string;
  /** Raw 32 bytes, base64url: what the policy data registers. */
  readonly publicKey: string;
}

/** @param password encrypts the private key; without one whoever reads the file can sign */
export function createApproverKey(name: string, password: Buffer | undefined): NewApproverKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const protectedBy = password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password };
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8', ...protectedBy }).toString();
  return { pem: `${nameLine}${name}\n${pem}`, publicKey: rawPublicKey(publicKey) };
}

/** RFC 7468 section 5.2 lets text stand in front of what it is about. */
const nameLine = 'Approver: ';

export interface ApproverKey {
  readonly key: KeyObject;
  /** Whose the file says it is. */
  readonly name?: string;
  readonly publicKey: string;
}

/** @param password asked for only where the key is encrypted. Failure `approver_key_unusable` */
export async function readApproverKey(file: string, password: () => Promise<Buffer>): Promise<ApproverKey> {
  const unusable = (detail: string, cause?: unknown): Failure =>
    new Failure('approver_key_unusable', { file, detail }, { cause });
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable('it cannot be read', error);
  }
  const isEncrypted = pem.includes('BEGIN ENCRYPTED PRIVATE KEY');
  const passphrase = isEncrypted ? await password() : undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw unusable(
      isEncrypted ? 'the password is wrong, or it is damaged' : 'it holds no private key',
      error,
    );
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unusable('it is no Ed25519 key');
  const name = pem
    .split('\n')
    .find((line) => line.startsWith(nameLine))
    ?.slice(nameLine.length)
    .trim();
  return { key, publicKey: rawPublicKey(createPublicKey(key)), ...(name ? { name } : {}) };
}

const rawPublicKey = (key: KeyObject): string => key.export({ format: 'jwk' }).x ?? '';
