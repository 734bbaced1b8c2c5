import { keyringInventory, type ListedDocument, unknownRoots } from '../../keys/inventory.ts';
import { retiredDocuments } from '../../keys/retire.ts';
import type { KeyringCopy } from '../../keys/shred.ts';
import { shreddings } from '../../keys/shreddings.ts';
import { verifiedKit } from '../../keys/verify-kit.ts';
import { say } from '../../text/voice.ts';
import { withKeyDesk } from '../key-desk.ts';
import { localTime, printable, table } from '../output.ts';
import type { Session } from '../session.ts';
import { labelled, word } from '../words.ts';

/** Every keyring document: what it is for, which one seals, and until when each destination keeps it. */
export async function runKeyList(session: Session): Promise<void> {
  const { output } = session;
  await withKeyDesk(session, async (desk) => {
    const { catalog, keyring } = desk;
    const documents = await keyringInventory(desk, desk.places);
    const retired = await retiredDocuments(catalog);
    const unknown = await Promise.all(
      desk.places.map(async (place) => {
        const names = await unknownRoots(desk.documents, place);
        return { destination: place.name, documents: names.filter((name) => !retired.includes(name)) };
      }),
    );
    const pending = await shreddings(catalog);
    const copies = await catalog.rows<KeyringCopy>('select kind, actor, at from key_exports order by at');
    const kit = await verifiedKit(catalog);
    output.value({
      repository: keyring.root.repositoryId,
      openedBy: keyring.holder,
      documents,
      retired,
      unknown,
      shreddings: pending,
      copies,
      kitVerifiedAt: kit?.at ?? null,
    });
    output.line(
      table([
        [
          say('keys', 'head_document'),
          say('keys', 'head_of'),
          say('keys', 'head_number'),
          '',
          say('keys', 'head_locked'),
        ],
        ...documents.map(row),
      ]),
    );
    for (const name of retired) output.line(say('keys', 'replaced', { name }));
    for (const { destination, documents: names } of unknown) {
      for (const name of names) output.line(say('keys', 'unknown_document', { destination, name }));
    }
    for (const { scope, state, pendingUntil } of pending) {
      output.line(
        state === 'done'
          ? say('keys', 'shredded', { scope: printable(scope) })
          : say('keys', 'being_shredded', { scope: printable(scope), at: localTime(pendingUntil) }),
      );
    }
    for (const { at, actor } of copies)
      output.line(say('keys', 'exported', { at: localTime(at), actor: printable(actor) }));
    if (kit === undefined) output.line(say('keys', 'kit_unverified'));
  });
}

function row(document: ListedDocument): string[] {
  const until = document.places
    .map(({ destination, isThere, lockedUntil }) => {
      const state = !isThere
        ? say('keys', 'missing')
        : lockedUntil === undefined
          ? say('keys', 'not_locked')
          : localTime(lockedUntil);
      return document.places.length === 1 ? state : labelled(destination, state);
    })
    .join(', ');
  if (document.purpose === 'root') {
    const note = document.isCurrent ? '' : say('keys', 'lacks_newest');
    return [word('root'), document.holder, String(document.generation), note, until];
  }
  return [
    word('scope key'),
    printable(document.scope),
    String(document.number),
    word(document.seals ? 'seals' : 'reads'),
    until,
  ];
}
