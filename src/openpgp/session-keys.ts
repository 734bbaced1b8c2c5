import { readFile } from 'node:fs/promises';
import type { PrivateKey } from 'openpgp';
import { Failure } from '../domain/failures.ts';
import type { SessionKeyFinder } from './open-message.ts';
import { passphraseName } from './recipients.ts';

/** What a person can open messages with. */
export interface MessageKeys {
  /** A file with OpenPGP private keys, armored or binary. */
  readonly keyFile?: string;
  /** Unlocks the private keys where they are locked, and opens messages that were sealed with it. */
  readonly passphrase?: string;
}

/**
 * Finds session keys with private keys where one of them fits, which is fast, else with the passphrase. The finder's
 * failure is `openpgp_key_wrong`.
 *
 * @throws Failure `openpgp_key_unreadable`
 */
export async function openMessageKeys({ keyFile, passphrase }: MessageKeys): Promise<SessionKeyFinder> {
  const privateKeys = keyFile === undefined ? [] : await readPrivateKeys(keyFile, passphrase);
  return async (packets, recipients) => {
    const isSealedWithPassphrase = recipients.includes(passphraseName);
    const means = [
      ...(privateKeys.length > 0 ? [{ decryptionKeys: privateKeys }] : []),
      ...(passphrase !== undefined && isSealedWithPassphrase ? [{ passwords: passphrase }] : []),
    ];
    for (const each of means) {
      const key = await sessionKeyOf(Buffer.concat([packets, noData]), each).catch(() => undefined);
      if (key !== undefined) return key;
    }
    throw new Failure('openpgp_key_wrong', { recipients: recipients.join(', ') });
  };
}

/** Undefined, or an error of the library, where the means open none of the packets. */
async function sessionKeyOf(
  message: Buffer,
  means: { decryptionKeys: PrivateKey[] } | { passwords: string },
): Promise<Buffer | undefined> {
  const { readMessage, decryptSessionKeys } = await import('openpgp');
  const found = await decryptSessionKeys({
    message: await readMessage({ binaryMessage: message }),
    ...means,
  });
  const [key] = found.filter(({ algorithm }) => algorithm === 'aes256');
  return key && Buffer.from(key.data);
}

/** An integrity protected data packet without data: the library takes no message without one. */
const noData = Buffer.of(0xd2, 1, 1);

async function readPrivateKeys(file: string, passphrase: string | undefined): Promise<PrivateKey[]> {
  const openpgp = await import('openpgp');
  const bytes = await readFile(file).catch((error: Error) => unreadable(file, error.message));
  const isBinary = ((bytes[0] ?? 0) & 0x80) !== 0;
  const parsed = isBinary
    ? openpgp.readPrivateKeys({ binaryKeys: bytes })
    : openpgp.readPrivateKeys({ armoredKeys: bytes.toString('utf8') });
  const keys = await parsed.catch((error: Error) => unreadable(file, error.message));
  return Promise.all(
    keys.map(async (privateKey) => {
      if (privateKey.isDecrypted()) return privateKey;
      if (passphrase === undefined) return unreadable(file, 'it is locked, and no passphrase was given');
      return openpgp
        .decryptKey({ privateKey, passphrase })
        .catch(() => unreadable(file, 'the passphrase does not unlock it'));
    }),
  );
}

function unreadable(file: string, detail: string): never {
  throw new Failure('openpgp_key_unreadable', { file, detail });
}
