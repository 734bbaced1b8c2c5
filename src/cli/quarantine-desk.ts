import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Installation } from '../installation.ts';
import { quarantineFolder } from '../quarantine/copies.ts';
import { itemOf, itemsOfPath, type QuarantineItem } from '../quarantine/items.ts';
import type { QuarantineDesk } from '../quarantine/release.ts';
import { exactPath } from './exact-path.ts';
import type { Session } from './session.ts';
import { parseTarget, requireSource } from './target.ts';

/** The quarantined file of that id or `<source>:<path>`, of several the newest that is kept. Failure `quarantine_unknown`. */
export async function findItem(catalog: Catalog, text: string): Promise<QuarantineItem> {
  const { source, path } = parseTarget(text);
  const found =
    path === undefined ? await itemOf(catalog, text) : (await itemsAt(catalog, source, path)).at(0);
  if (found === undefined) throw new Failure('quarantine_unknown', { item: text });
  return found;
}

async function itemsAt(catalog: Catalog, source: string, path: Buffer): Promise<QuarantineItem[]> {
  const sourceId = await requireSource(catalog, source);
  return itemsOfPath(catalog, sourceId, await exactPath(catalog, sourceId, path));
}

/** Does `work` as a run of its own, which `runs` shows. */
export async function withDesk<T>(
  session: Session,
  { ids, config, paths }: Installation,
  catalog: Catalog,
  action: string,
  work: (desk: QuarantineDesk) => Promise<T>,
): Promise<T> {
  const { actor } = session;
  const runId = newRunId();
  const hostId = config.host.id;
  await catalog.startRun({ id: runId, kind: `quarantine ${action}`, hostId, actor });
  try {
    const done = await work({ catalog, ids, hostId, folder: quarantineFolder(paths.home), runId, actor });
    await catalog.endRun(runId, 'complete', {});
    return done;
  } catch (error) {
    await catalog.endRun(runId, 'failed', {}).catch(() => {});
    throw error;
  }
}
