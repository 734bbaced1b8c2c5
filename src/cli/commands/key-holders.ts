import { Failure } from '../../domain/failures.ts';
import { newRoot, rootsOf } from '../../keys/change-keyring.ts';
import { kitHolder, ownerHolder } from '../../keys/open-keyring.ts';
import { drawRecoveryKey } from '../../keys/recovery-key.ts';
import { kitText, recoveryKit } from '../../keys/recovery-kit.ts';
import { lastMaster, readRootHeader } from '../../sealed/keyring.ts';
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
      detail: 'A holder is named with a-z, 0-9, dot, underscore and dash; at most 64.',
    });
  await withKeyDesk(session, async (desk) => {
    if (holder === kitHolder) return newKit(session, desk, options.kit);
    if (hasNewest(desk, holder)) throw new Failure('holder_taken', { holder });
    const change = await newRoot(desk, desk.keyring.root, holder, await readNewPassword(session, options));
    await desk.apply(change);
    await desk.record('add-holder', { holder, generation: change.root.generation });
    const { output } = session;
    output.value({ holder, generation: change.root.generation });
    output.line(`${holder} opens the keyring with a password of their own from now on.`);
    output.line('After `key rotate --master` or `--payload` they have to be added again.');
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
  if (file === undefined) output.line(kitText(kit));
  else output.line(`The recovery kit is in ${file}: print it, then delete the file.`);
  output.line(
    'Burn the older kit: its key still opens what was sealed by now, until its document’s lock has ended.',
  );
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
        detail: 'The owner, and whose password opened the keyring, stay. Change the password instead.',
      });
    output.note(
      `${holder} has seen the present keys: their copy in the bucket opens until its lock has ended and it is deleted.`,
    );
    output.note('What is sealed after `holdfast key rotate --master` they cannot open.');
    if (!options.yes && !(await confirm(`Remove the holder ${holder}? Type its name to go on: `, holder)))
      throw new Failure('not_confirmed', { flag: '--yes' });
    await desk.apply({ added: [], retired });
    await desk.record('remove-holder', { holder });
    output.result(
      { holder, removed: retired },
      () => `${holder} is removed; the documents are deleted from the bucket when their locks end.`,
    );
  });
}

function hasNewest({ documents, keyring }: KeyDesk, holder: string): boolean {
  const newest = lastMaster(keyring.root).id.toString('hex');
  return documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .map(({ bytes }) => readRootHeader(bytes))
    .some((header) => header.holder === holder && header.keyId === newest);
}
