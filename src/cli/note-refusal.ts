import { noteDeed } from '../audit/deeds.ts';
import { type Failure, isFailure } from '../domain/failures.ts';
import type { Session } from './session.ts';

/** Refused for what was given, not for what was forgotten. */
const refusals: ReadonlySet<string> = new Set([
  'wrong_password',
  'password_superseded',
  'recovery_key_mistyped',
  'host_key_invalid',
  'openpgp_key_wrong',
  's3_denied',
]);

/** Puts on record that somebody came without the right password, key or credentials. */
export function noteRefusal({ paths, actor, command }: Session, error: unknown): void {
  if (!isFailure(error) || !isRefusal(error)) return;
  noteDeed(paths.home, { step: 'access', actor, facts: { what: error.code, command } });
}

function isRefusal({ code, facts }: Failure): boolean {
  // SQLSTATE class 28: Postgres does not take the role or its password.
  return refusals.has(code) || (code === 'catalog_unready' && String(facts.code).startsWith('28'));
}
