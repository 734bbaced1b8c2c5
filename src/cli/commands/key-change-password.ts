import { newRoot, rootsOf } from '../../keys/change-keyring.ts';
import { kitHolder, ownerHolder } from '../../keys/open-keyring.ts';
import { publishedDocuments } from '../../keys/publish.ts';
import { say } from '../../text/voice.ts';
import { type KeyDesk, withKeyDesk } from '../key-desk.ts';
import { localTime } from '../output.ts';
import { type NewPasswordSources, readNewPassword } from '../password.ts';
import type { Session } from '../session.ts';

/**
 * Wraps the keyring under a new password of whoever opened it; the recovery key gives the owner a new one. Older documents
 * stay in the bucket until their locks end, and open with the older password.
 */
export async function runKeyChangePassword(session: Session, options: NewPasswordSources): Promise<void> {
  const { output } = session;
  await withKeyDesk(session, async (desk) => {
    const holder = desk.keyring.holder === kitHolder ? ownerHolder : desk.keyring.holder;
    const password = await readNewPassword(session, options);
    const oldOpensUntil = await lastLockOf(desk, rootsOf(desk.documents, holder));
    const change = await newRoot(desk, desk.keyring.root, holder, password);
    await desk.apply(change);
    await desk.record('change-password', { holder, generation: change.root.generation });
    await desk.renewServices(password);
    output.value({ holder, generation: change.root.generation, oldOpensUntil: oldOpensUntil.toISOString() });
    output.line(say('setup', 'password_changed', { holder }));
    output.line(say('setup', 'put_password'));
    output.line(say('setup', 'older_document', { until: localTime(oldOpensUntil) }));
    output.line(say('setup', 'older_opens'));
    output.line(say('setup', 'draw_new'));
  });
}

async function lastLockOf({ documents, places }: KeyDesk, names: readonly string[]): Promise<Date> {
  const wanted = documents.filter(({ name }) => names.includes(name));
  const ends = await Promise.all(
    places.map(async ({ store, prefix }) =>
      (await publishedDocuments(store, prefix, wanted)).map(({ lock }) => lock?.retainUntil.getTime() ?? 0),
    ),
  );
  return new Date(Math.max(Date.now(), ...ends.flat()));
}
