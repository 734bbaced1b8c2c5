import { readFact, type Statements, writeFact } from '../catalog/installation-fact.ts';
import { Failure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { headsFolder } from '../manifest/heads.ts';
import { notedHeads } from './heads.ts';

const fact = 'catalog_rebuild';

/** What a catalog remembers of its rebuilding. */
export interface RebuildState {
  readonly state: 'under way' | 'done';
  readonly run: Id;
}

async function rebuildState(catalog: Statements): Promise<RebuildState | undefined> {
  return (await readFact<RebuildState>(catalog, fact))?.value;
}

/**
 * Marks the catalog as being rebuilt, by the run that began it where one was stopped. Failure `catalog_not_empty` for one
 * that holds anything else.
 */
export async function beginRebuild(catalog: Statements): Promise<{ run: Id; resumed: boolean }> {
  const before = await rebuildState(catalog);
  if (before?.state === 'under way') return { run: before.run, resumed: true };
  await requireEmpty(catalog);
  const run = newRunId();
  await setState(catalog, { state: 'under way', run });
  return { run, resumed: false };
}

export async function endRebuild(catalog: Statements, run: Id): Promise<void> {
  await setState(catalog, { state: 'done', run });
}

/** Failure `catalog_not_empty` unless the catalog is empty or its rebuilding was begun. */
export async function requireRebuildable(catalog: Statements): Promise<void> {
  if ((await rebuildState(catalog))?.state !== 'under way') await requireEmpty(catalog);
}

/**
 * Nothing may be protected into a catalog that is being rebuilt, or that was lost without being rebuilt: the numbers of
 * observations would begin anew and mean versions that exist. Failures `rebuild_unfinished`, `catalog_lost`.
 *
 * @param home the state folder, where the newest manifests are noted down
 */
export async function requireWholeCatalog(catalog: Statements, home: string): Promise<void> {
  const state = (await rebuildState(catalog))?.state;
  if (state === 'under way') throw new Failure('rebuild_unfinished');
  if (state === 'done' || (await entryCount(catalog)) > 0) return;
  const { heads } = await notedHeads(home);
  if (heads.size > 0) throw new Failure('catalog_lost', { count: heads.size, folder: headsFolder(home) });
}

async function requireEmpty(catalog: Statements): Promise<void> {
  const entries = await entryCount(catalog);
  if (entries > 0) throw new Failure('catalog_not_empty', { entries });
}

async function entryCount(catalog: Statements): Promise<number> {
  const [row] = await catalog.rows<{ entries: number }>('select count(*)::int as entries from entries');
  return row?.entries ?? 0;
}

function setState(catalog: Statements, value: RebuildState): Promise<void> {
  return writeFact(catalog, fact, value);
}
