import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { StatFacts } from '../catalog/rows.ts';
import type { Ids } from '../domain/ids.ts';
import type { EntryKind } from '../domain/records.ts';
import type { Skip } from '../files/filter.ts';
import { parentOf } from '../files/paths.ts';
import { walk } from '../files/walk.ts';
import { statFacts } from '../pipeline/file.ts';
import type { WalkedSource } from '../sources.ts';
import { countStanding, judgePage } from './compare-query.ts';
import { IdSet } from './id-set.ts';

/** What a walk found out about one entry by its stat alone, against what the catalog knows. */
export type Compared =
  | {
      readonly is: 'due' | 'unchanged';
      readonly entry: EntryRef;
      readonly kind: EntryKind;
      readonly sizeBytes: number;
    }
  | { readonly is: 'skipped'; readonly entry: EntryRef; readonly kind: EntryKind; readonly skip: Skip }
  | { readonly is: 'gone'; readonly entry: EntryRef }
  | { readonly is: 'unreachable'; readonly path: Buffer; readonly code: string };

const pageEntries = 1_000;

/**
 * Walks a source, or only the paths given, and tells every entry apart by its stat. Entries that the catalog knows and
 * the walk did not meet are `gone`, unless they lie below something that could not be looked at or is skipped.
 */
export async function* compareTree(
  source: WalkedSource,
  catalog: Catalog,
  ids: Ids,
  only?: readonly Buffer[],
): AsyncGenerator<Compared> {
  const seen = new IdSet();
  let standing = 0;
  const hidden = new Set<string>();
  let page: { entry: EntryRef; kind: EntryKind; facts: StatFacts }[] = [];
  const judge = async function* (): AsyncGenerator<Compared> {
    const judged = await judgePage(
      catalog,
      page.map(({ entry, facts }) => ({ entryId: entry.id, facts })),
    );
    standing += judged.standing;
    for (const [position, { entry, kind, facts }] of page.entries())
      yield { is: judged.due.has(position) ? 'due' : 'unchanged', entry, kind, sizeBytes: facts.sizeBytes };
    page = [];
  };
  for await (const item of walk(source.root, source.filter, only === undefined ? {} : { only })) {
    if (item.error) {
      hidden.add(item.path.toString('latin1'));
      yield { is: 'unreachable', path: item.path, code: item.error.code };
      continue;
    }
    const entry = { id: ids.entry(source.id, item.path), sourceId: source.id, path: item.path };
    seen.add(entry.id);
    if (item.skip) {
      hidden.add(item.path.toString('latin1'));
      yield { is: 'skipped', entry, kind: item.kind, skip: item.skip };
      continue;
    }
    page.push({ entry, kind: item.kind, facts: statFacts(item.kind, item.stat) });
    if (page.length >= pageEntries) yield* judge();
  }
  if (page.length > 0) yield* judge();
  // Every entry that stands was met: none is gone.
  if (only === undefined && standing === (await countStanding(catalog, source.id))) return;
  for await (const { kind, sizeBytes, outcome, ...entry } of catalog.standingEntries(source.id, only)) {
    if (seen.has(entry.id) || liesBelow(entry.path, hidden)) continue;
    // An original that was moved to quarantine is where it belongs.
    if (outcome === 'quarantined') yield { is: 'unchanged', entry, kind, sizeBytes };
    else yield { is: 'gone', entry };
  }
}

/** Whether the path, or a folder it lies in, is among `paths` (as latin1). */
function liesBelow(path: Buffer, paths: ReadonlySet<string>): boolean {
  for (let at = path; at.length > 0; at = parentOf(at)) if (paths.has(at.toString('latin1'))) return true;
  return paths.has('');
}
