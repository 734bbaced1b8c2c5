import { createHmac, hash, randomBytes, scryptSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Key, PublicKey, Subkey } from 'openpgp';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';

/** The key of one message, and the packets that give it to the recipients. */
export interface SessionKey {
  /** 32 bytes, for AES-256. */
  readonly key: Buffer;
  readonly packets: Buffer;
}

/** Whom OpenPGP messages are sealed to. */
export interface Recipients {
  /** Names the set (docs/format.md section 8.2); another set, or another passphrase, has another id. */
  readonly id: Id;
  /** Key ids of the encryption keys, 16 hex digits each, sorted, and `passphrase` at the end where there is one. */
  readonly names: readonly string[];
  /** Failure `openpgp_recipient_unusable` where a key has expired or was revoked meanwhile. */
  newSessionKey(): Promise<SessionKey>;
}

export interface RecipientsConfig {
  /** Files with OpenPGP public keys, armored or binary, one or more in each. */
  readonly recipients: readonly string[];
  readonly passphrase?: string;
}

/** What stands for a passphrase among the names of recipients. */
export const passphraseName = 'passphrase';

/** RFC 4880 section 3.7.1.3: 65,011,712 bytes are hashed, the most there is, and what GnuPG chooses. */
const s2kCountOctet = 255;

/**
 * Reads the recipients' keys.
 *
 * @param naming the repository's naming key: salts the hash of the passphrase, so that only who has both can guess
 * @throws Failure `openpgp_recipient_unusable`
 */
export async function openRecipients(config: RecipientsConfig, naming: Buffer): Promise<Recipients> {
  const keys = (await Promise.all(config.recipients.map(readPublicKeys))).flat();
  const encryptionKeys = await Promise.all(keys.map(({ file, key }) => encryptionKeyOf(file, key)));
  const { passphrase } = config;
  const fingerprints = encryptionKeys.map((key) => key.getFingerprint()).sort();
  const set = {
    recipients: fingerprints,
    passphrase: passphrase === undefined ? null : passphraseId(passphrase, naming),
  };
  return {
    id: hash('sha256', canonical(set), 'buffer').toString('hex', 0, 16),
    names: [
      ...encryptionKeys.map((key) => key.getKeyID().toHex()).sort(),
      ...(passphrase === undefined ? [] : [passphraseName]),
    ],
    newSessionKey: () =>
      newSessionKey(
        keys.map(({ key }) => key),
        passphrase,
      ),
  };
}

async function newSessionKey(keys: PublicKey[], passphrase: string | undefined): Promise<SessionKey> {
  const { encryptSessionKey } = await import('openpgp');
  const key = randomBytes(32);
  try {
    const packets = await encryptSessionKey({
      data: key,
      algorithm: 'aes256',
      encryptionKeys: keys,
      ...(passphrase === undefined ? {} : { passwords: passphrase }),
      format: 'binary',
      config: { s2kIterationCountByte: s2kCountOctet },
    });
    return { key, packets: Buffer.from(packets) };
  } catch (error) {
    throw new Failure('openpgp_recipient_unusable', { recipient: 'configured', detail: String(error) });
  }
}

async function readPublicKeys(file: string): Promise<{ file: string; key: PublicKey }[]> {
  const { readKeys } = await import('openpgp');
  const bytes = await readFile(file).catch((error: Error) => unusable(file, error.message));
  try {
    // A binary packet begins with a byte of which the top bit is set, armor with a dash or white space.
    const isBinary = ((bytes[0] ?? 0) & 0x80) !== 0;
    const keys = await (isBinary
      ? readKeys({ binaryKeys: bytes })
      : readKeys({ armoredKeys: bytes.toString('utf8') }));
    return keys.map((key) => ({ file, key: publicOnly(file, key) }));
  } catch (error) {
    if (error instanceof Failure) throw error;
    return unusable(file, error instanceof Error ? error.message : 'not an OpenPGP key');
  }
}

/** Private keys do not belong on a host that is only to write. */
function publicOnly(file: string, key: Key): PublicKey {
  return key.isPrivate() ? unusable(file, 'it holds a private key; export the public one') : key;
}

/** The key that content would be encrypted to, if GnuPG can use it. */
async function encryptionKeyOf(file: string, key: PublicKey): Promise<Key | Subkey> {
  const chosen = await key
    .getEncryptionKey()
    .catch((error: Error) => unusable(file, `it cannot be encrypted to: ${error.message}`));
  const { algorithm } = chosen.getAlgorithmInfo();
  if (chosen.keyPacket.version !== 4 || !readByGnupg.has(algorithm)) {
    unusable(file, `GnuPG 2.2 cannot read messages to a key of this kind (${algorithm})`);
  }
  return chosen;
}

/** RFC 9580's X25519, X448 and version 6 keys are unknown to GnuPG 2.2. */
const readByGnupg: ReadonlySet<string> = new Set(['rsaEncryptSign', 'rsaEncrypt', 'elgamal', 'ecdh']);

function passphraseId(passphrase: string, naming: Buffer): string {
  const salt = createHmac('sha256', naming).update('holdfast/1/passphrase').digest();
  return scryptSync(passphrase, salt, 16, { N: 2 ** 15, maxmem: 64 * 1024 * 1024 }).toString('hex');
}

function unusable(recipient: string, detail: string): never {
  throw new Failure('openpgp_recipient_unusable', { recipient, detail });
}
