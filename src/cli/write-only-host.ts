import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openRecipients } from '../openpgp/recipients.ts';
import { say } from '../text/voice.ts';
import { hostKeyFile, readHostKeys } from '../write-only/host-keys.ts';

/** What `init --write-only` sets up in place of a keyring. */
export interface WriteOnlyHost {
  readonly repositoryId: Id;
  readonly hostId: Id;
  /** Where the recipients' public keys will lie. */
  readonly recipients: readonly string[];
  /** Copies key file and public keys into the state folder. */
  install(): Promise<void>;
}

/**
 * Undefined for an installation that can read. Failures: `usage`, `host_key_invalid`, `openpgp_recipient_unusable`.
 *
 * @param home the state folder
 */
export async function writeOnlyHost(
  options: { readonly writeOnly?: boolean; readonly keys?: string; readonly recipient?: readonly string[] },
  home: string,
): Promise<WriteOnlyHost | undefined> {
  const { writeOnly = false, keys, recipient = [] } = options;
  if (!writeOnly && keys === undefined && recipient.length === 0) return undefined;
  if (!writeOnly || keys === undefined || recipient.length === 0)
    throw new Failure('usage', { detail: say('setup', 'belong_together') });
  const { repositoryId, host, naming } = readHostKeys(keys);
  await openRecipients({ recipients: recipient }, naming);
  const keyFile = readFileSync(keys);
  const copies = recipient.map((file, index) => ({
    from: file,
    to: join(home, 'recipients', `${index + 1}-${basename(file)}`),
  }));
  return {
    repositoryId,
    hostId: host.id,
    recipients: copies.map(({ to }) => to),
    async install() {
      const kept = hostKeyFile(home);
      for (const folder of [dirname(kept), join(home, 'recipients')])
        await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(kept, keyFile, { mode: 0o600 });
      for (const { from, to } of copies) await copyFile(from, to);
    },
  };
}
