import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { createApproverKey } from '../../holds/approver-key.ts';
import { say } from '../../text/voice.ts';
import { readNewPassword } from '../password.ts';
import type { Session } from '../session.ts';

export interface KeygenOptions {
  readonly name?: string;
  readonly output?: string;
  /** False with `--no-password`. */
  readonly password: boolean;
  readonly newPasswordFile?: string;
  readonly newPasswordFd?: number;
}

/** Makes an approver's key pair: the private key in a file of mode 0600, the public one as the entry for the policy data. */
export async function runApproverKeygen(session: Session, options: KeygenOptions): Promise<void> {
  const name = options.name ?? session.actor;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@ -]{0,62}$/.test(name))
    throw new Failure('usage', {
      detail: say('holds', 'approver_name'),
    });
  const file = resolve(options.output ?? `${name}.pem`);
  if (existsSync(file)) throw new Failure('usage', { detail: say('holds', 'file_exists', { file }) });
  const password = options.password ? await readNewPassword(session, options) : undefined;
  const { pem, publicKey } = createApproverKey(name, password);
  writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  const entry = { name, public_key: publicKey };
  session.output.result({ file, isEncrypted: password !== undefined, entry }, () =>
    [
      say('holds', 'private_key', {
        name,
        file,
        how: password === undefined ? say('holds', 'not_encrypted') : say('holds', 'encrypted'),
      }),
      say('holds', 'give_key'),
      '',
      say('holds', 'register_key'),
      `  ${JSON.stringify(entry)}`,
    ].join('\n'),
  );
}
