import type { Catalog } from '../../catalog/catalog.ts';
import { entriesBelow, entriesInFolder, entryAt, type PastEntry } from '../../catalog/history-query.ts';
import { Failure } from '../../domain/failures.ts';
import { say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { bytes, type Output, table } from '../output.ts';
import { listedRow, modeText, momentText, mtimeText, pathText, remark, sizeText } from '../past-rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { parseTarget, requireSource, type Target } from '../target.ts';

export interface LsOptions {
  readonly at?: Date;
  readonly recursive?: boolean;
  readonly long?: boolean;
}

/** Lists a folder of a source as it was at a moment: what `restore` would bring back, and what it could not. */
export async function runLs(session: Session, target: string, options: LsOptions): Promise<void> {
  await withCatalog(session, (catalog) =>
    list(catalog, session.output, session.signal, parseTarget(target), options),
  );
}

/** Lines printed at once, and aligned with each other. */
const pageLines = 500;

/** Failure `path_not_there`. */
export async function list(
  catalog: Catalog,
  output: Pick<Output, 'json' | 'value' | 'line' | 'note'>,
  signal: AbortSignal,
  { source, path: given = Buffer.alloc(0) }: Target,
  { at, recursive = false, long = false }: LsOptions,
): Promise<void> {
  const sourceId = await requireSource(catalog, source);
  const path = await exactPath(catalog, sourceId, given);
  const past = { sourceId, path, ...(at === undefined ? {} : { at }) };
  const self = path.length === 0 ? undefined : await entryAt(catalog, past);
  const isFolder = self === undefined || (self.version ?? self.head)?.kind === 'dir';
  const entries = recursive || !isFolder ? entriesBelow(catalog, past) : entriesInFolder(catalog, past);
  const counted = { entries: 0, bytes: 0, unprotected: 0 };
  let page: PastEntry[] = [];
  const print = (): void => {
    if (page.length > 0) output.line(long ? longLines(page) : page.map(shortLine).join('\n'));
    page = [];
  };
  for await (const entry of entries) {
    signal.throwIfAborted();
    counted.entries++;
    counted.bytes += entry.version?.kind === 'file' ? entry.version.sizeBytes : 0;
    counted.unprotected += entry.version === undefined && !entry.isImpliedFolder ? 1 : 0;
    output.value(listedRow(source, entry));
    if (!output.json && page.push(entry) >= pageLines) print();
  }
  print();
  if (counted.entries === 0 && self === undefined && path.length > 0)
    throw new Failure('path_not_there', { at: momentText(at) });
  if (!output.json) output.note(summary(counted, at));
}

function summary(
  counted: { entries: number; bytes: number; unprotected: number },
  at: Date | undefined,
): string {
  const unprotected =
    counted.unprotected === 0 ? '' : say('look', 'unprotected', { count: counted.unprotected });
  return say('look', 'as_of', {
    at: momentText(at),
    count: counted.entries,
    bytes: bytes(counted.bytes),
    unprotected,
  });
}

function shortLine(entry: PastEntry): string {
  const shown = entry.isImpliedFolder
    ? ({ kind: 'dir', linkTarget: null } as const)
    : (entry.version ?? entry.head);
  return pathText(entry.path, shown) + remark(entry);
}

function longLines(entries: readonly PastEntry[]): string {
  return table(
    entries.map((entry) => {
      const shown = entry.version ?? entry.head;
      const unknown = [entry.isImpliedFolder ? 'd?????????' : '??????????', '-', '-'];
      const facts = shown && [modeText(shown), sizeText(shown), mtimeText(shown.mtimeNs)];
      return [...(facts ?? unknown), shortLine(entry)];
    }),
    [1],
  );
}
