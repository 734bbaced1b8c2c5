import { Failure } from '../domain/failures.ts';
import { isRelativePath, namesOf } from '../files/paths.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { tryLock } from '../stack/lock.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ByteBudget } from './byte-budget.ts';
import { mapUnordered } from './map-unordered.ts';
import { MtimeSetter } from './mtime-setter.ts';
import { type EntryDeps, finishFolder, makeFolder, restoreEntry } from './restore-entry.ts';
import type { RestoreIndex, RestorePass, RestoreRow, RestoreTotals, Selection } from './restore-index.ts';
import type { RestoredItem } from './restored-item.ts';
import { defaultRetryPausesMs, throwIfInterrupted } from './retry.ts';
import { checkSpace } from './space.ts';
import { TargetTree } from './target-tree.ts';

export interface RestoreDeps {
  readonly index: RestoreIndex;
  readonly keys: Pick<KeyAccess, 'byId'>;
  /** By the destination's name in the configuration. */
  readonly stores: ReadonlyMap<string, ObjectStore>;
  /** Pauses between the tries of a request that a store did not answer, ms. */
  readonly retryPausesMs?: readonly number[];
}

export interface RestoreRequest {
  readonly source: string;
  /** Inside the source; with everything below it. Undefined: the whole source. */
  readonly path?: Buffer;
  /** The folder that gets `<source>/<path…>`; made if missing. */
  readonly to: string;
  /** Tells what would be done and touches nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Told once, before the first item. */
  readonly onStart?: (totals: RestoreTotals) => void;
  /** Told of content bytes as they are verified and in the target. */
  readonly onBytes?: (count: number) => void;
}

/** Files restored at once. */
const filesAtOnce = 8;
/** Content in memory at once, encrypted and plain. */
const memoryBytes = 96 * 1024 * 1024;

/**
 * Restores a source, or a path in it, from its newest protected versions, and yields one item per entry. Stopping the
 * iteration stops the restore; either way no partial file is left.
 *
 * Failures: `source_unknown`, `path_unknown`, `target_unusable`, `no_space`, `target_full`, `restore_running`, `interrupted`, and what keeps all of it
 * from going on (`catalog_unavailable`, `s3_unavailable`, `s3_denied`, …). Running it again goes on where it stopped.
 */
export async function* restoreTree(
  deps: RestoreDeps,
  request: RestoreRequest,
): AsyncGenerator<RestoredItem, void> {
  const sourceFolder = Buffer.from(request.source);
  const selection = await select(deps.index, request);
  const totals = await deps.index.totals(selection);
  if (totals.entries === 0 && selection.path.length > 0) {
    throw new Failure('path_unknown');
  }
  const tree = request.dryRun ? TargetTree.openPresent(request.to) : TargetTree.make(request.to);
  const lock = request.dryRun ? undefined : await lockTarget(tree, request.source);
  const times = new MtimeSetter();
  const stop = new AbortController();
  try {
    const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
    const entry: EntryDeps = {
      keys: deps.keys,
      stores: deps.stores,
      retryPausesMs: deps.retryPausesMs ?? defaultRetryPausesMs,
      memory: new ByteBudget(memoryBytes),
      signal,
      onBytes: request.onBytes ?? (() => {}),
      tree,
      times,
      sourceFolder,
      dryRun: request.dryRun ?? false,
      hardlinks: {
        wanted: totals.hardlinks > 0 ? await deps.index.hardlinkTargets(selection) : new Set(),
        restored: new Map(),
      },
    };
    if (tree && !entry.dryRun) await checkSpace(deps.index, selection, totals, tree, sourceFolder);
    request.onStart?.(totals);
    for await (const item of passes(deps.index, selection, totals, entry, () => stop.abort())) {
      yield item;
    }
  } finally {
    await times.close();
    tree?.close();
    await lock?.release();
  }
}

/** Folders and files first, then what refers to them, and the folders' own metadata when nothing more changes in them. */
async function* passes(
  index: RestoreIndex,
  selection: Selection,
  totals: RestoreTotals,
  entry: EntryDeps,
  stop: () => void,
): AsyncGenerator<RestoredItem> {
  const rows = (pass: RestorePass) => index.rows(selection, pass);
  const each = (row: RestoreRow): Promise<RestoredItem> => {
    throwIfInterrupted(entry.signal);
    return restoreEntry(entry, row);
  };
  yield* mapUnordered(makingFolders(entry, rows('tree')), filesAtOnce, async (row) => each(row), stop);
  // One after the other: the first of a group must be there before the next.
  if (totals.hardlinks > 0) for await (const row of rows('hardlinks')) yield await each(row);
  if (totals.links > 0) yield* mapUnordered(rows('links'), filesAtOnce, async (row) => each(row), stop);
  if (totals.folders === 0) return;
  for await (const row of rows('folders')) {
    throwIfInterrupted(entry.signal);
    yield await finishFolder(entry, row);
  }
}

/** Makes the folders among the rows, in order, and passes on the rest. */
async function* makingFolders(entry: EntryDeps, rows: AsyncIterable<RestoreRow>): AsyncGenerator<RestoreRow> {
  for await (const row of rows) {
    if (row.version?.kind === 'dir') makeFolder(entry, row);
    else yield row;
  }
}

async function select(index: RestoreIndex, { source, path }: RestoreRequest): Promise<Selection> {
  const name = Buffer.from(source);
  const sourceId = await index.sourceIdOf(source);
  if (sourceId === undefined || namesOf(name).length !== 1 || !isRelativePath(name)) {
    throw new Failure('source_unknown', { source });
  }
  return { sourceId, path: path ?? Buffer.alloc(0) };
}

/** Two at once would take each other's files in the making for leftovers. */
async function lockTarget(tree: TargetTree | undefined, source: string) {
  const lock = await tryLock(`restore ${tree?.identity} ${source}`);
  if (lock === undefined) {
    tree?.close();
    throw new Failure('restore_running');
  }
  return lock;
}
