import type { Catalog } from '../../catalog/catalog.ts';
import { changesBetween, type EntryChange } from '../../catalog/history-query.ts';
import { say } from '../../text/voice.ts';
import { exactPath } from '../exact-path.ts';
import { bytes, localTime, type Output, printable } from '../output.ts';
import { pathText, sizeText, versionFields } from '../past-rows.ts';
import { pathFields } from '../rows.ts';
import { type Session, withCatalog } from '../session.ts';
import { knownSources, parseTarget, type Target } from '../target.ts';

/** The letters that backup programs mark changes with. */
const letters = { added: '+', removed: '-', modified: 'M', metadata: 'U', type: 'T' } as const;
type Change = EntryChange['change'];

/** Tells what changed from one moment to another, in all sources, in one, or below a path. */
export async function runDiff(
  session: Session,
  from: Date,
  to: Date,
  target: string | undefined,
): Promise<void> {
  const wanted = target === undefined ? undefined : parseTarget(target);
  await withCatalog(session, (catalog) =>
    diff(catalog, session.output, session.signal, { from, to, ...(wanted && { wanted }) }),
  );
}

export async function diff(
  catalog: Catalog,
  output: Pick<Output, 'json' | 'value' | 'line' | 'note'>,
  signal: AbortSignal,
  { from, to, wanted }: { readonly from: Date; readonly to: Date; readonly wanted?: Target },
): Promise<void> {
  const totals = new Totals();
  for (const source of await knownSources(catalog, wanted?.source)) {
    const path = await exactPath(catalog, source.id, wanted?.path ?? Buffer.alloc(0));
    const scope = { sourceId: source.id, path };
    for await (const change of changesBetween(catalog, scope, from, to)) {
      signal.throwIfAborted();
      totals.add(change);
      output.value(jsonChange(source.name, change));
      output.line(textLine(source.name, change));
    }
  }
  output.value({ summary: { from: from.toISOString(), to: to.toISOString(), ...totals.counts } });
  if (!output.json)
    output.note(say('look', 'from_to', { from: localTime(from), to: localTime(to), totals: totals.text() }));
}

function jsonChange(source: string, { path, change, before, after }: EntryChange): object {
  return {
    source,
    ...pathFields(path),
    change,
    ...(before === undefined ? {} : { before: versionFields(before) }),
    ...(after === undefined ? {} : { after: versionFields(after) }),
  };
}

function textLine(source: string, { path, change, before, after }: EntryChange): string {
  const named = `${letters[change]}  ${printable(source)}:${pathText(path, after ?? before)}`;
  const sizes = [before, after].flatMap((version) => (version?.kind === 'file' ? [sizeText(version)] : []));
  if (change === 'metadata' || sizes.length === 0) return named;
  return `${named}  ${[...new Set(sizes)].join(' → ')}`;
}

/** Entries by how they changed; bytes of files by which content came and went. */
class Totals {
  private readonly entries: Record<Change, number> = {
    added: 0,
    removed: 0,
    modified: 0,
    metadata: 0,
    type: 0,
  };
  private addedBytes = 0;
  private removedBytes = 0;

  add({ change, before, after }: EntryChange): void {
    this.entries[change]++;
    if (change === 'metadata') return;
    this.addedBytes += after?.kind === 'file' ? after.sizeBytes : 0;
    this.removedBytes += before?.kind === 'file' ? before.sizeBytes : 0;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.entries, addedBytes: this.addedBytes, removedBytes: this.removedBytes };
  }

  text(): string {
    const { added, removed, modified, metadata, type } = this.entries;
    return say('look', 'totals', {
      added,
      removed,
      modified,
      metadata,
      type,
      came: bytes(this.addedBytes),
      went: bytes(this.removedBytes),
    });
  }
}
