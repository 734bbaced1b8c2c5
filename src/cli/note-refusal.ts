import { noteDeed } from '../audit/deeds.ts';
import { refusalOf } from '../audit/refusals.ts';
import type { Session } from './session.ts';

/** Puts on record that somebody came without the right password, key or credentials. */
export function noteRefusal({ paths, actor, command }: Session, error: unknown): void {
  const refusal = refusalOf(error);
  if (refusal !== undefined) noteDeed(paths.home, { step: 'access', actor, facts: { ...refusal, command } });
}
