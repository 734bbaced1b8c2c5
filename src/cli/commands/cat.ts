import { auditEvent } from '../../audit/event.ts';
import { catalogIndex } from '../../catalog/restore-query.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { ByteBudget } from '../../restore/byte-budget.ts';
import { contentSegments, type ReadDeps } from '../../restore/content.ts';
import type { RestorableFile, RestoreIndex, RestoreRow, Selection } from '../../restore/restore-index.ts';
import { defaultRetryPausesMs } from '../../restore/retry.ts';
import { say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { type MessageKeyOptions, messageKeys } from '../message-keys.ts';
import type { Output } from '../output.ts';
import { momentText } from '../past-rows.ts';
import { pathFields } from '../rows.ts';
import { requireReader, type Session, unlock, withCatalog } from '../session.ts';
import { openStores } from '../stores.ts';
import { parseTarget, requireSource, type Target } from '../target.ts';

export interface CatOptions extends MessageKeyOptions {
  readonly includeInfected?: boolean;
  readonly at?: Date;
  /** Id of a version. */
  readonly version?: Id;
}

/** Content in memory at once, encrypted and plain. */
const memoryBytes = 64 * 1024 * 1024;

/**
 * Prints a file as it was at a moment; the audit trail tells who read which version. Failures: `path_not_there`,
 * `version_unknown`, `not_a_file`, `never_protected`, and those of {@link contentSegments}.
 */
export async function runCat(session: Session, target: string, options: CatOptions): Promise<void> {
  const wanted = wantedFile(target, options);
  const { config, keys, ids } = await unlock(session);
  if (options.openpgpKey === undefined) requireReader(config);
  await withCatalog(session, async (catalog, where) => {
    const sourceId = await requireSource(catalog, wanted.source);
    const path = await exactPath(catalog, sourceId, wanted.path);
    const index = catalogIndex(catalog);
    const found = await fileToPrint(index, selectionOf(sourceId, path, options));
    const { infected: signature } = found.version;
    if (signature !== undefined && !options.includeInfected)
      throw new Failure('infected_content', { signature });
    const stores = await openStores(config, where);
    const run = newRunId();
    const event = auditEvent(ids, {
      subject: run,
      step: 'restore',
      run,
      host: config.host.id,
      actor: session.actor,
      source: sourceId,
      version: found.version.id,
      facts: { command: 'cat', bytes: found.version.sizeBytes },
    });
    // Before the first byte: whoever reads may end this program at any moment.
    await catalog.write({ events: [event] });
    const deps: ReadDeps = {
      keys,
      messageKeys: await messageKeys(session, options, config.openpgp?.passphraseFile),
      stores,
      elsewhere: index.elsewhere,
      memory: new ByteBudget(memoryBytes),
      signal: session.signal,
      retryPausesMs: defaultRetryPausesMs,
    };
    try {
      await print(deps, session.output, wanted.source, found);
    } finally {
      for (const store of stores.values()) store.close();
    }
  });
}

function wantedFile(target: string, { at, version }: CatOptions): Required<Target> {
  const { source, path } = parseTarget(target);
  if (path === undefined) throw new Failure('usage', { detail: say('look', 'cat_takes') });
  if (at !== undefined && version !== undefined) {
    throw new Failure('usage', { detail: say('look', 'at_or_version') });
  }
  return { source, path };
}

function selectionOf(sourceId: Id, path: Buffer, { at, version }: CatOptions): Selection {
  return {
    sourceId,
    path,
    ...(at === undefined ? {} : { at }),
    ...(version === undefined ? {} : { versionId: version }),
  };
}

export interface FileToPrint {
  readonly row: RestoreRow;
  readonly version: RestorableFile;
}

/** The file that a selection names. Failures: `path_not_there`, `version_unknown`, `not_a_file`, `never_protected`. */
export async function fileToPrint(index: RestoreIndex, selection: Selection): Promise<FileToPrint> {
  const { path, at, versionId } = selection;
  const row = await firstRow(index, selection);
  const isOther = row !== undefined && !row.path.equals(path);
  if (versionId !== undefined && (row === undefined || isOther)) {
    throw new Failure('version_unknown', { version: versionId });
  }
  if (row === undefined) throw new Failure('path_not_there', { at: momentText(at) });
  // A folder without an entry of its own.
  if (isOther) throw new Failure('not_a_file', { kind: kindNames.dir });
  const { version, head } = row;
  const kind = (version ?? head)?.kind;
  if (kind !== undefined && kind !== 'file') throw new Failure('not_a_file', { kind: kindNames[kind] });
  if (version?.kind !== 'file')
    throw new Failure('never_protected', { outcome: head?.outcome ?? say('look', 'under_way') });
  return { row, version };
}

const kindNames = {
  dir: say('look', 'a_folder'),
  link: say('look', 'a_link'),
  special: say('look', 'a_device'),
} as const;

/** The row of the path itself; where there is none, one of what is below it. */
async function firstRow(index: RestoreIndex, selection: Selection): Promise<RestoreRow | undefined> {
  let below: RestoreRow | undefined;
  for (const pass of ['tree', 'hardlinks', 'links'] as const) {
    for await (const row of index.rows(selection, pass)) {
      if (row.path.equals(selection.path)) return row;
      below ??= row;
      break;
    }
  }
  return below;
}

/**
 * Prints the content part by part, each verified before it is printed. Failures as {@link contentSegments}; it is told
 * what they mean for what was printed already.
 */
export async function print(
  deps: ReadDeps,
  output: Pick<Output, 'json' | 'value' | 'note' | 'content'>,
  source: string,
  { row, version }: FileToPrint,
): Promise<void> {
  const { head } = row;
  if (head !== undefined && head.id !== version.id) {
    output.note(say('look', 'earlier', { id: version.id, outcome: head.outcome }));
  }
  let bytes = 0;
  try {
    for await (const plain of contentSegments(deps, row, version)) {
      if (output.json) output.value({ content: plain.toString('base64') });
      else await output.content(plain);
      bytes += plain.length;
    }
  } catch (error) {
    if (bytes > 0) output.note(warning(error, bytes, version.sizeBytes));
    throw error;
  }
  const { id: versionId, sizeBytes: size, sha512 } = version;
  output.value({
    summary: { source, ...pathFields(row.path), versionId, size, sha512: sha512.toString('hex') },
  });
}

function warning(error: unknown, bytes: number, sizeBytes: number): string {
  return isFailure(error, 'tampered')
    ? say('look', 'not_trusted')
    : say('look', 'not_all', { bytes, of: sizeBytes });
}
