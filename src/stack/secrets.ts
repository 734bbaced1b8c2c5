import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import type { SystemUser } from './system-users.ts';

/** The secret in `file`, made at random (32 bytes as base64url) on first use. Mode 0600. */
export function ensureSecret(file: string): string {
  if (!existsSync(file)) writePrivate(file, `${randomBytes(32).toString('base64url')}\n`);
  return readFileSync(file, 'utf8').trimEnd();
}

/** The secret in `file`, without its trailing newline. Failure `secret_unreadable`. */
export function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Failure('secret_unreadable', { file }, { cause: error });
  }
}

/** Writes `content` to `file` in one step (temporary file, rename), mode 0600, owned by `owner` if given. */
export function writePrivate(file: string, content: string | Buffer, owner?: SystemUser): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  if (owner !== undefined) chownSync(temporary, owner.uid, owner.gid);
  renameSync(temporary, file);
}
