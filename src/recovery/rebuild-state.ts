import { Failure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';

/** A catalog, or its owner's connection: anything that runs a statement. */
export interface Statements {
  rows<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
}

const fact = 'catalog_rebuild';

/** What a catalog remembers of its rebuilding. */
export interface RebuildState {
  readonly state: 'under way' | 'done';
  readonly run: Id;
}

export async function rebuildState(catalog: Statements): Promise<RebuildState | undefined> {
  const [row] = await catalog.rows<{ value: RebuildState }>(
    'select value from installation_facts where name = $1',
    [fact],
  );
  return row?.value;
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

async function requireEmpty(catalog: Statements): Promise<void> {
  const [row] = await catalog.rows<{ entries: number }>('select count(*)::int as entries from entries');
  if (row !== undefined && row.entries > 0) throw new Failure('catalog_not_empty', { entries: row.entries });
}

async function setState(catalog: Statements, value: RebuildState): Promise<void> {
  await catalog.rows(
    `insert into installation_facts (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value, at = now()`,
    [fact, value],
  );
}
