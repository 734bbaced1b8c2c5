import type { QuarantineAction } from '../../catalog/rows.ts';
import type { QuarantineItem } from '../../quarantine/items.ts';
import { listItems } from '../../quarantine/items.ts';
import { say } from '../../text/voice.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { findItem } from '../quarantine-desk.ts';
import { pathFields } from '../rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';
import { labelled, word } from '../words.ts';

/** Lists what was found infected, the newest first. */
export async function runQuarantineList(
  session: Session,
  source: string | undefined,
  options: { readonly all?: boolean },
): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const sourceId = source === undefined ? undefined : await requireSource(catalog, source);
    const items = await listItems(catalog, { sourceId, all: options.all ?? false });
    for (const item of items) output.value(itemJson(item));
    output.line(
      items.length === 0
        ? say('quarantine', 'none')
        : table(
            items.map((item) => [
              item.id,
              stateText(item),
              printable(item.signature),
              localTime(item.foundAt),
              printable(`${item.source}:${item.path.toString('utf8')}`),
            ]),
          ),
    );
    const excepted = items.filter(({ exception }) => exception?.revokedAt === null);
    if (excepted.length > 0) output.line(`\n${say('quarantine', 'left_alone_list')}`);
    for (const { id, exception } of excepted)
      output.line(
        `  ${say('quarantine', 'left_alone_line', {
          id,
          signature: printable(exception?.signature ?? ''),
          actor: printable(exception?.actor ?? ''),
          reason: printable(exception?.reason ?? ''),
        })}`,
      );
  });
}

/** Tells everything about one of them. */
export async function runQuarantineShow(session: Session, text: string): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const item = await findItem(catalog, text);
    output.value(itemJson(item));
    output.line(printable(`${item.source}:${item.path.toString('utf8')}`));
    output.line(
      table([
        [say('quarantine', 'id'), item.id],
        [say('quarantine', 'state'), labelled(stateText(item), meaning(item))],
        [say('quarantine', 'found'), `${printable(item.signature)}, ${localTime(item.foundAt)}`],
        [
          say('quarantine', 'by'),
          say('quarantine', 'engine', {
            engine: printable(item.engine),
            revision: item.signatureRevision.slice(0, 16),
            at: localTime(item.signaturesAt),
          }),
        ],
        [say('quarantine', 'host'), item.host],
        [say('quarantine', 'content'), `${bytes(item.sizeBytes)}, SHA-512 ${item.sha512.toString('hex')}`],
        [say('quarantine', 'version'), item.versionId],
        ...(item.ended === undefined ? [] : [[word(item.state), deedText(item.ended)]]),
        ...(item.exception === undefined
          ? []
          : [
              [
                say('quarantine', 'left_alone'),
                `${printable(item.exception.signature)}, ${deedText(item.exception)}` +
                  (item.exception.revokedAt === null
                    ? ''
                    : say('quarantine', 'revoked', { at: localTime(item.exception.revokedAt) })),
              ],
            ]),
      ]),
    );
    output.line(advice(item));
  });
}

/** One quarantined file as JSON: names in this shape are promises. */
export function itemJson(item: QuarantineItem): object {
  const {
    ended,
    exception,
    path,
    copy,
    sha512,
    mtimeNs,
    xattrs,
    sourceId,
    entryId,
    mode,
    uid,
    gid,
    ...told
  } = item;
  return {
    ...told,
    ...pathFields(path),
    sha512: sha512.toString('hex'),
    ended: ended ?? null,
    exception: exception ?? null,
  };
}

const stateText = ({ state, action }: QuarantineItem): string =>
  word(state === 'kept' && action !== null ? action : state);

const deedText = ({ actor, reason, at }: { actor: string; reason: string; at: Date }): string =>
  say('quarantine', 'deed', { at: localTime(at), actor: printable(actor), reason: printable(reason) });

const meanings: Readonly<Record<QuarantineAction, string>> = {
  moved: say('quarantine', 'means_moved'),
  copied: say('quarantine', 'means_copied'),
  replaced: say('quarantine', 'means_replaced'),
  reported: say('quarantine', 'means_reported'),
};

function meaning({ state, action }: QuarantineItem): string {
  if (state === 'released') return say('quarantine', 'means_released');
  if (state === 'deleted') return say('quarantine', 'means_deleted');
  return action === null ? say('quarantine', 'means_sealed') : meanings[action];
}

function advice({ id, state, action }: QuarantineItem): string {
  if (state === 'reported') return say('quarantine', 'look_at_original');
  if (state !== 'kept') return '';
  const original = action === 'copied' ? `${say('quarantine', 'original_lies')} ` : '';
  return say('quarantine', 'advice', { original, id });
}
