import { Failure } from '../../domain/failures.ts';
import { newScopeKeys } from '../../keys/change-keyring.ts';
import { shreddings } from '../../keys/shreddings.ts';
import { isScopeName } from '../../sealed/names.ts';
import { say } from '../../text/voice.ts';
import { withKeyDesk } from '../key-desk.ts';
import { printable } from '../output.ts';
import type { Session } from '../session.ts';

/** Makes a key scope that policy can name: what may be shredded together is sealed under one. */
export async function runKeyAddScope(session: Session, scope: string): Promise<void> {
  if (!isScopeName(scope)) throw new Failure('usage', { detail: say('keys', 'scope_name') });
  await withKeyDesk(session, async (desk) => {
    // Objects of a shredded scope may still lie in the catalog: a new key of its name would be taken for theirs.
    const wasShredded = (await shreddings(desk.catalog)).some((row) => row.scope === scope);
    if (desk.keyring.scopes.has(scope) || wasShredded) throw new Failure('scope_taken', { scope });
    const change = newScopeKeys(desk.keyring, desk.keyring.root, [scope]);
    await desk.apply(change);
    await desk.record('add-scope', { document: change.added[0]?.name });
    await desk.renewServices(desk.password);
    session.output.result({ scope, document: change.added[0]?.name }, () =>
      say('keys', 'scope_added', { scope: printable(scope) }),
    );
  });
}
