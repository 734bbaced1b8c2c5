import { Failure } from '../../domain/failures.ts';
import { type KeptItem, requireKept } from '../../quarantine/items.ts';
import { deleteItem } from '../../quarantine/release.ts';
import { say } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { bytes, printable, table } from '../output.ts';
import { findItem, withDesk } from '../quarantine-desk.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { itemJson } from './quarantine.ts';

export interface DeleteOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

/** Removes quarantined files for good, after saying which and being told so. */
export async function runQuarantineDelete(
  session: Session,
  texts: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const { output } = session;
  const installation = await unlock(session);
  await withCatalog(session, async (catalog) => {
    const items = new Map<string, KeptItem>();
    for (const text of texts) {
      const item = requireKept(await findItem(catalog, text), installation.config.host.id);
      items.set(item.id, item);
    }
    output.line(say('quarantine', 'removes'));
    output.line(
      table(
        [...items.values()].map(({ signature, sizeBytes, action, source, path }) => [
          `  ${printable(signature)}`,
          bytes(sizeBytes),
          action === 'copied' ? say('quarantine', 'original_there') : say('quarantine', 'only_copy'),
          printable(`${source}:${path.toString('utf8')}`),
        ]),
      ),
    );
    if (!options.yes && !(await confirm(say('quarantine', 'type_delete'), 'delete')))
      throw new Failure('not_confirmed', { flag: '--yes' });
    await withDesk(session, installation, catalog, 'delete', async (desk) => {
      for (const item of items.values()) {
        await deleteItem(desk, item, options.reason);
        output.value(itemJson({ ...item, state: 'deleted' }));
      }
    });
    output.line(say('quarantine', 'removed', { count: items.size }));
  });
}
