import { type Failure, isFailure } from '../domain/failures.ts';

/** Refused for what was given, not for what was forgotten. */
const refusals: ReadonlySet<string> = new Set([
  'wrong_password',
  'password_superseded',
  'recovery_key_mistyped',
  'host_key_invalid',
  'openpgp_key_wrong',
  's3_denied',
]);

/** A way in that was refused, in ids and codes. `what`: code of the failure; `destination`: whose answer it was. */
export type Refusal = Readonly<Record<string, string>> & { readonly what: string };

/** Undefined where an error says anything else than that somebody came without the right password, key or rights. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isFailure(error) || !isRefusal(error)) return undefined;
  const { destination } = error.facts;
  return { what: error.code, ...(typeof destination === 'string' ? { destination } : {}) };
}

function isRefusal({ code, facts }: Failure): boolean {
  if (refusals.has(code)) return true;
  // SQLSTATE class 28: Postgres does not take the role or its password.
  if (code === 'catalog_unready') return String(facts.code).startsWith('28');
  // OPA's socket is guarded by its mode alone.
  return code === 'policy_unavailable' && ['EACCES', 'EPERM'].includes(String(facts.detail));
}
