import type { Command } from 'commander';
import type { SessionKeyFinder } from '../openpgp/open-message.ts';
import { readPassphrase } from '../openpgp/passphrase.ts';
import { say } from '../text/voice.ts';
import type { Session } from './session.ts';

/** What a command was given to open OpenPGP messages with. */
export interface MessageKeyOptions {
  readonly openpgpKey?: string;
  readonly openpgpPassphraseFile?: string;
}

export function addMessageKeyOptions(command: Command): Command {
  return command
    .option('--openpgp-key <file>', say('help', 'message_keys_openpgp_key'))
    .option('--openpgp-passphrase-file <file>', say('help', 'message_keys_openpgp_passphrase_file'));
}

/**
 * What opens OpenPGP messages; undefined where nothing was given that could. The passphrase comes from a file, or from a
 * descriptor named as one (`/dev/fd/3`): never from an argument, which every user of the machine can read.
 *
 * @param configuredFile of the passphrase that this installation seals with
 * @throws Failure `openpgp_key_unreadable` or `password_file_unreadable`, exit code 6
 */
export async function messageKeys(
  { env }: Pick<Session, 'env'>,
  { openpgpKey, openpgpPassphraseFile }: MessageKeyOptions,
  configuredFile?: string,
): Promise<SessionKeyFinder | undefined> {
  const file = openpgpPassphraseFile || env.HOLDFAST_OPENPGP_PASSPHRASE_FILE || configuredFile;
  if (openpgpKey === undefined && file === undefined) return undefined;
  // Loading the library takes a good part of a second, and few commands need it.
  const { openMessageKeys } = await import('../openpgp/session-keys.ts');
  return openMessageKeys({
    ...(openpgpKey === undefined ? {} : { keyFile: openpgpKey }),
    ...(file === undefined ? {} : { passphrase: await readPassphrase(file) }),
  });
}
