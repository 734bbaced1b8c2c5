import { Failure } from '../../domain/failures.ts';
import {
  newRoot,
  newScopeKeys,
  scopesOf,
  withNewMaster,
  withNewPayloadKey,
} from '../../keys/change-keyring.ts';
import type { RootSecrets } from '../../sealed/keyring.ts';
import { readRootHeader } from '../../sealed/keyring.ts';
import { say } from '../../text/voice.ts';
import { type KeyDesk, requireOwnPassword, withKeyDesk } from '../key-desk.ts';
import type { Session } from '../session.ts';

export interface RotateOptions {
  readonly scope?: readonly string[];
  readonly all?: boolean;
  readonly master?: boolean;
  readonly payload?: boolean;
  readonly dryRun?: boolean;
}

/** Draws new keys for what comes; older ones stay, to read what they sealed. */
export async function runKeyRotate(session: Session, options: RotateOptions): Promise<void> {
  const { output } = session;
  await withKeyDesk(session, async (desk) => {
    const scopes = chosenScopes(desk, options);
    const outdated = options.master || options.payload ? othersThan(desk) : [];
    if (!options.dryRun) await rotate(desk, options, scopes);
    const done = { scopes, master: options.master === true, payload: options.payload === true, outdated };
    output.value({ ...done, dryRun: options.dryRun === true });
    const verb = options.dryRun ? say('keys', 'would_get') : say('keys', 'got');
    if (scopes.length > 0) output.line(say('keys', 'new_keys', { verb, scopes: scopes.join(', ') }));
    if (options.master) output.line(say('keys', 'new_master', { verb }));
    if (options.payload) output.line(say('keys', 'new_payload', { verb }));
    output.line(say('keys', 'still_readable'));
    for (const holder of outdated) {
      output.line(say('keys', 'holder_cannot', { holder }));
    }
  });
}

function chosenScopes({ keyring }: KeyDesk, options: RotateOptions): string[] {
  const unknown = options.scope?.find((scope) => !keyring.scopes.has(scope));
  if (unknown !== undefined) throw new Failure('unknown_scope', { scope: unknown });
  if (options.master || options.all) return scopesOf(keyring);
  if (options.scope !== undefined) return [...options.scope];
  return options.payload ? [] : scopesOf(keyring);
}

async function rotate(desk: KeyDesk, options: RotateOptions, scopes: readonly string[]): Promise<void> {
  if (options.master || options.payload) requireOwnPassword(desk);
  const { keyring, password } = desk;
  let root = keyring.root;
  const take = async (secrets: RootSecrets): Promise<void> => {
    const open = { ...desk, documents: [...desk.documents, ...made] };
    const change = await newRoot(open, secrets, keyring.holder, password);
    await desk.apply(change);
    made.push(...change.added);
    root = change.root;
  };
  const made: { name: string; bytes: Buffer }[] = [];
  const facts = { scopes: scopes.length, master: options.master === true, payload: options.payload === true };
  if (options.payload) {
    const [known, used] = withNewPayloadKey(root);
    await take(known);
    await desk.renewServices(password);
    await take(used);
  } else if (options.master) await take(withNewMaster(root));
  await desk.apply(newScopeKeys(keyring, root, scopes));
  await desk.record('rotate', { ...facts, generation: root.generation });
  await desk.renewServices(password);
}

/** Holders other than the one who rotates: their documents lack what comes. */
function othersThan({ documents, keyring }: KeyDesk): string[] {
  const holders = documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .map(({ bytes }) => readRootHeader(bytes).holder);
  return [...new Set(holders)].filter((holder) => holder !== keyring.holder).sort();
}
