import type { QuarantineAction } from '../../catalog/rows.ts';
import type { QuarantineItem } from '../../quarantine/items.ts';
import { listItems } from '../../quarantine/items.ts';
import { bytes, localTime, printable, table } from '../output.ts';
import { findItem } from '../quarantine-desk.ts';
import { pathFields } from '../rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';

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
        ? 'Nothing is in quarantine.'
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
    if (excepted.length > 0)
      output.line('\nLeft alone since they were released (`quarantine revoke` ends that):');
    for (const { id, exception } of excepted)
      output.line(
        `  ${id}  ${printable(exception?.signature ?? '')}  by ${printable(exception?.actor ?? '')}: ${printable(exception?.reason ?? '')}`,
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
        ['id', item.id],
        ['state', `${stateText(item)}: ${meaning(item)}`],
        ['found', `${printable(item.signature)}, ${localTime(item.foundAt)}`],
        [
          'by',
          `${printable(item.engine)}, signatures ${item.signatureRevision.slice(0, 16)} of ${localTime(item.signaturesAt)}`,
        ],
        ['host', item.host],
        ['content', `${bytes(item.sizeBytes)}, SHA-512 ${item.sha512.toString('hex')}`],
        ['version', item.versionId],
        ...(item.ended === undefined ? [] : [[item.state, deedText(item.ended)]]),
        ...(item.exception === undefined
          ? []
          : [
              [
                'left alone',
                `${printable(item.exception.signature)}, ${deedText(item.exception)}` +
                  (item.exception.revokedAt === null
                    ? ''
                    : `; revoked ${localTime(item.exception.revokedAt)}`),
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
  state === 'kept' && action !== null ? action : state;

const deedText = ({ actor, reason, at }: { actor: string; reason: string; at: Date }): string =>
  `${localTime(at)} by ${printable(actor)}: ${printable(reason)}`;

const meanings: Readonly<Record<QuarantineAction, string>> = {
  moved: 'it left its source, and lies sealed in quarantine',
  copied: 'a sealed copy lies in quarantine; the original stayed where it was',
  replaced: 'a sealed copy lies in quarantine; something else had its name before it could be taken away',
  reported: 'nothing is kept; the original stayed where it was, or was gone already',
};

function meaning({ state, action }: QuarantineItem): string {
  if (state === 'released') return 'a person gave it back';
  if (state === 'deleted') return 'a person removed it for good';
  return action === null ? 'sealed; the step that found it is not through yet' : meanings[action];
}

function advice({ id, state, action }: QuarantineItem): string {
  if (state === 'reported')
    return 'Look at the original in its source. If it is malware, remove it and find out how it came there.';
  if (state !== 'kept') return '';
  const original =
    action === 'copied' ? 'The original still lies in its source: remove it if it is malware. ' : '';
  return (
    `${original}Find out how it came there. A false positive: holdfast quarantine release ${id} --reason …\n` +
    `Malware that nobody needs for an investigation: holdfast quarantine delete ${id}`
  );
}
