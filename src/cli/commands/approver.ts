import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { createApproverKey } from '../../holds/approver-key.ts';
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
      detail: 'A name has letters, digits, dot, dash, underscore, @ and blanks; at most 63.',
    });
  const file = resolve(options.output ?? `${name}.pem`);
  if (existsSync(file)) throw new Failure('usage', { detail: `The file ${file} exists; name a new one.` });
  const password = options.password ? await readNewPassword(session, options) : undefined;
  const { pem, publicKey } = createApproverKey(name, password);
  writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  const entry = { name, public_key: publicKey };
  session.output.result({ file, isEncrypted: password !== undefined, entry }, () =>
    [
      `The private key of ${name} is in ${file}${password === undefined ? ', NOT encrypted' : ', encrypted with the password'}.`,
      'Give it to that person, and keep no copy here: whoever has it can approve.',
      '',
      'Register the public key in your policy data, below `approvers` (docs/holds.md):',
      `  ${JSON.stringify(entry)}`,
    ].join('\n'),
  );
}
