import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { isRelativePath, namesOf } from '../files/paths.ts';
import { systemCalls } from '../files/system-calls.ts';
import type { SessionKeyFinder } from '../openpgp/open-message.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import { tryLock } from '../stack/lock.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ByteBudget } from './byte-budget.ts';
import { Journal } from './journal.ts';
import { mapUnordered, readAhead } from './map-unordered.ts';
import { type Gathered, gathered, type Neighbours } from './neighbours.ts';
import type { Overwrite } from './occupant.ts';
import { type EntryDeps, finishFolder, makeFolder, restoreEntry } from './restore-entry.ts';
import type { RestoreIndex, RestorePass, RestoreRow, RestoreTotals, Selection } from './restore-index.ts';
import type { RestoredItem } from './restored-item.ts';
import { defaultRetryPausesMs, throwIfInterrupted } from './retry.ts';
import { checkSpace } from './space.ts';
import { TargetTree } from './target-tree.ts';
import { chosen, globOf, type Patterns } from './wanted.ts';

export interface RestoreDeps {
  readonly index: RestoreIndex;
  readonly keys: Pick<KeyAccess, 'byId'>;
  /** What opens OpenPGP messages; undefined where nothing was given that could. */
  readonly messageKeys?: SessionKeyFinder | undefined;
  /** By the destination's name in the configuration. */
  readonly stores: ReadonlyMap<string, ObjectStore>;
  /** Pauses between the tries of a request that a store did not answer, ms. */
  readonly retryPausesMs?: readonly number[];
}

export interface RestoreRequest {
  readonly source: string;
  /**
   * Inside the source; with everything below it. Undefined: the whole source. Where nothing has exactly this path, `*`, `?`
   * and `[…]` in it match names, and `**` any number of folders.
   */
  readonly path?: Buffer;
  /** gitignore syntax, relative to the source's root; with none everything is wanted, else what one of them matches. */
  readonly include?: readonly string[];
  /** Like `include`; what one of them matches is left out. */
  readonly exclude?: readonly string[];
  /** As the source was at this moment; the newest state when missing. */
  readonly at?: Date;
  /** This version of the entry at `path`. */
  readonly versionId?: Id;
  /** The folder that gets `<source>/<path…>`; made if missing. */
  readonly to: string;
  /** Tells what would be done and touches nothing. */
  readonly dryRun?: boolean;
  /** What happens to a different file or link that has an entry's name; `never` replaced when missing. */
  readonly overwrite?: Overwrite;
  /** Files restored at once, 1 to 64; 8 when missing. */
  readonly jobs?: number;
  /** Gives back owner, group, set-uid, set-gid, capabilities and access lists; not when missing. */
  readonly owner?: boolean;
  /** Gives back extended attributes; also when missing. */
  readonly xattrs?: boolean;
  /** Also restores what was found infected after it was stored; not when missing. */
  readonly includeInfected?: boolean;
  readonly signal?: AbortSignal;
  /** Told once, before the first item. */
  readonly onStart?: (totals: RestoreTotals) => void;
  /** Told of content bytes as they are verified and in the target. */
  readonly onBytes?: (count: number) => void;
}

const defaultJobs = 8;
/** Rows read ahead of what is being restored. */
const rowsAhead = 1_000;
/** Content in memory at once, encrypted and plain. */
const memoryBytes = 96 * 1024 * 1024;

/**
 * Restores a source, or what is asked for of it, from its protected versions, and yields one item per entry. Stopping the
 * iteration stops the restore. No partial file ever has an entry's name; a large one that is stopped stays beside its
 * place, and running it again goes on with it and with what the journal says is done.
 *
 * Failures: `source_unknown`, `path_unknown`, `version_unknown`, `target_unusable`, `target_is_link`, `no_space`,
 * `target_full`, `restore_running`, `interrupted`, and what keeps all of it from going on (`catalog_unavailable`,
 * `s3_unavailable`, `s3_denied`, …).
 */
export async function* restoreTree(
  deps: RestoreDeps,
  request: RestoreRequest,
): AsyncGenerator<RestoredItem, void> {
  const sourceFolder = Buffer.from(request.source);
  const { index, selection } = await select(deps.index, request);
  const totals = await index.totals(selection);
  const isNarrowed = selection.path.length > 0 || index !== deps.index;
  if (totals.entries === 0 && isNarrowed) throw nothingFound(request);
  const tree = request.dryRun ? TargetTree.openPresent(request.to) : TargetTree.make(request.to);
  const lock = request.dryRun ? undefined : await lockTarget(tree, request.source);
  const journal = tree === undefined ? undefined : Journal.open(tree.path, selection.sourceId);
  const stop = new AbortController();
  let isComplete = false;
  try {
    const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
    const entry: EntryDeps = {
      keys: deps.keys,
      messageKeys: deps.messageKeys,
      stores: deps.stores,
      retryPausesMs: deps.retryPausesMs ?? defaultRetryPausesMs,
      elsewhere: deps.index.elsewhere,
      memory: new ByteBudget(memoryBytes),
      signal,
      onBytes: request.onBytes ?? (() => {}),
      tree,
      metadata: {
        owner: request.owner ?? false,
        xattrs: request.xattrs ?? true,
        calls: systemCalls(),
      },
      overwrite: request.overwrite ?? 'never',
      journal: journal ?? noJournal,
      sourceFolder,
      dryRun: request.dryRun ?? false,
      includeInfected: request.includeInfected ?? false,
      hardlinks: {
        wanted: totals.hardlinks > 0 ? await index.hardlinkTargets(selection) : new Set(),
        restored: new Map(),
      },
    };
    if (tree && !entry.dryRun) await checkSpace(index, selection, totals, tree, sourceFolder);
    request.onStart?.(totals);
    const plan = { index, selection, totals, jobs: request.jobs ?? defaultJobs };
    yield* passes(plan, entry, () => stop.abort());
    isComplete = !entry.dryRun;
  } finally {
    if (isComplete) {
      tree?.removeResumable();
      journal?.remove();
    } else {
      journal?.close();
    }
    tree?.close();
    await lock?.release();
  }
}

/** For a dry run whose target is not there. */
const noJournal = { has: () => false, add: () => {} };

interface Plan {
  readonly index: RestoreIndex;
  readonly selection: Selection;
  readonly totals: RestoreTotals;
  readonly jobs: number;
}

/** Folders and files first, then what refers to them, and the folders' own metadata when nothing more changes in them. */
async function* passes(
  { index, selection, totals, jobs }: Plan,
  entry: EntryDeps,
  stop: () => void,
): AsyncGenerator<RestoredItem> {
  const rows = (pass: RestorePass) => readAhead(index.rows(selection, pass), rowsAhead);
  const each = async (row: RestoreRow, neighbours?: Neighbours): Promise<RestoredItem> => {
    throwIfInterrupted(entry.signal);
    return restoreEntry(neighbours === undefined ? entry : { ...entry, neighbours }, row);
  };
  const eachGathered = async ({ row, neighbours }: Gathered): Promise<RestoredItem> => {
    try {
      return await each(row, neighbours);
    } finally {
      neighbours?.leave();
    }
  };
  yield* mapUnordered(makingFolders(entry, gathered(rows('tree'))), jobs, eachGathered, stop);
  // One after the other: the first of a group must be there before the next.
  if (totals.hardlinks > 0) for await (const row of rows('hardlinks')) yield await each(row);
  if (totals.links > 0) yield* mapUnordered(rows('links'), jobs, (row) => each(row), stop);
  if (totals.folders === 0) return;
  for await (const row of rows('folders')) {
    throwIfInterrupted(entry.signal);
    yield await finishFolder(entry, row);
  }
}

/** Makes the folders among the rows, in order, and passes on the rest. */
async function* makingFolders(entry: EntryDeps, rows: AsyncIterable<Gathered>): AsyncGenerator<Gathered> {
  for await (const gathered of rows) {
    if (gathered.row.version?.kind === 'dir') makeFolder(entry, gathered.row);
    else yield gathered;
  }
}

/** The selection, and the index that shows only what of it is wanted. */
async function select(
  index: RestoreIndex,
  request: RestoreRequest,
): Promise<{ readonly index: RestoreIndex; readonly selection: Selection }> {
  const { source, path = Buffer.alloc(0), at, versionId } = request;
  const name = Buffer.from(source);
  const sourceId = await index.sourceIdOf(source);
  if (sourceId === undefined || namesOf(name).length !== 1 || !isRelativePath(name)) {
    throw new Failure('source_unknown', { source });
  }
  const common = {
    sourceId,
    ...(at === undefined ? {} : { at }),
    ...(versionId === undefined ? {} : { versionId }),
  };
  const patterns: Patterns = { include: request.include ?? [], exclude: request.exclude ?? [] };
  const exact = { ...common, path };
  const glob = globOf(path);
  if (glob === undefined || (await index.totals(exact)).entries > 0) {
    return { index: chosen(index, patterns), selection: exact };
  }
  return {
    index: chosen(index, { ...patterns, glob: glob.pattern }),
    selection: { ...common, path: glob.folder },
  };
}

function nothingFound({ versionId }: RestoreRequest): Failure {
  return versionId === undefined
    ? new Failure('path_unknown')
    : new Failure('version_unknown', { version: versionId });
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
