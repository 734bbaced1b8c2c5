import { Failure } from '../../domain/failures.ts';
import { newRoot, rootsOf } from '../../keys/change-keyring.ts';
import { kitHolder, ownerHolder } from '../../keys/open-keyring.ts';
import { drawRecoveryKey } from '../../keys/recovery-key.ts';
import { kitText, recoveryKit } from '../../keys/recovery-kit.ts';
import { lastMaster, readRootHeader } from '../../sealed/keyring.ts';
import { say, spoken } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { type KeyDesk, withKeyDesk } from '../key-desk.ts';
import { requireNewKitFile, writeKit } from '../kit-file.ts';
import { type NewPasswordSources, readNewPassword } from '../password.ts';
import type { Session } from '../session.ts';

export interface AddHolderOptions extends NewPasswordSources {
  readonly kit?: string;
}

/**
 * Gives another password to the same keyring: a second officer, a sealed envelope. `recovery-kit` is a new recovery key,
 * which takes the place of the one before.
 */
export async function runKeyAddHolder(
  session: Session,
  holder: string,
  options: AddHolderOptions,
): Promise<void> {
  if (!/^[a-z0-9._-]{1,64}$/.test(holder))
    throw new Failure('usage', {
      detail: say('keys', 'holder_name'),
    });
  await withKeyDesk(session, async (desk) => {
    if (holder === kitHolder) return newKit(session, desk, options.kit);
    if (hasNewest(desk, holder)) throw new Failure('holder_taken', { holder });
    const change = await newRoot(desk, desk.keyring.root, holder, await readNewPassword(session, options));
    await desk.apply(change);
    await desk.record('add-holder', { holder, generation: change.root.generation });
    const { output } = session;
    output.value({ holder, generation: change.root.generation });
    output.line(say('keys', 'holder_opens', { holder }));
    output.line(say('keys', 'add_again'));
  });
}

async function newKit(session: Session, desk: KeyDesk, file: string | undefined): Promise<void> {
  const { output, paths } = session;
  if (file !== undefined) requireNewKitFile(file);
  const { shown, password } = drawRecoveryKey();
  const kit = recoveryKit(desk.installation.config, paths.home, shown);
  if (file !== undefined) writeKit(file, kit);
  const change = await newRoot(desk, desk.keyring.root, kitHolder, password);
  await desk.apply(change);
  await desk.record('add-holder', { holder: kitHolder, generation: change.root.generation });
  output.value({
    holder: kitHolder,
    generation: change.root.generation,
    recoveryKey: file === undefined ? kit : { file },
  });
  if (file === undefined) output.line(kitText(kit, spoken()));
  else output.line(say('keys', 'kit_in', { file }));
  output.line(say('keys', 'burn_older'));
}

/** Takes a holder's document away. What is locked in the bucket opens with their password until it is deleted. */
export async function runKeyRemoveHolder(
  session: Session,
  holder: string,
  options: { readonly yes?: boolean },
): Promise<void> {
  const { output } = session;
  await withKeyDesk(session, async (desk) => {
    const retired = rootsOf(desk.documents, holder);
    if (retired.length === 0) throw new Failure('holder_unknown', { holder });
    if (holder === ownerHolder || holder === desk.keyring.holder)
      throw new Failure('usage', {
        detail: say('keys', 'owner_stays'),
      });
    output.note(say('keys', 'has_seen', { holder }));
    output.note(say('keys', 'cannot_open'));
    if (!options.yes && !(await confirm(say('keys', 'ask_remove', { holder }), holder)))
      throw new Failure('not_confirmed', { flag: '--yes' });
    await desk.apply({ added: [], retired });
    await desk.record('remove-holder', { holder });
    output.result({ holder, removed: retired }, () => say('keys', 'removed', { holder }));
  });
}

function hasNewest({ documents, keyring }: KeyDesk, holder: string): boolean {
  const newest = lastMaster(keyring.root).id.toString('hex');
  return documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .map(({ bytes }) => readRootHeader(bytes))
    .some((header) => header.holder === holder && header.keyId === newest);
}
