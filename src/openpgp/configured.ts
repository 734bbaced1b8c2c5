import type { Config } from '../config.ts';
import { readPassphrase } from './passphrase.ts';
import { openRecipients, type Recipients } from './recipients.ts';

/**
 * Whom the configuration has content sealed to; undefined where it names nobody.
 *
 * @param naming the repository's naming key
 * @throws Failure `openpgp_recipient_unusable` or `password_file_unreadable`
 */
export async function configuredRecipients(
  { openpgp }: Pick<Config, 'openpgp'>,
  naming: Buffer,
): Promise<Recipients | undefined> {
  if (openpgp === undefined) return undefined;
  const { recipients, passphraseFile } = openpgp;
  const passphrase = passphraseFile === undefined ? {} : { passphrase: await readPassphrase(passphraseFile) };
  return openRecipients({ recipients, ...passphrase }, naming);
}
