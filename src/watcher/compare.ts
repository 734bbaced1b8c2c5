import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { EntryKind } from '../domain/records.ts';
import type { Skip } from '../files/filter.ts';
import { isWithin } from '../files/paths.ts';
import { walk } from '../files/walk.ts';
import { statFacts } from '../pipeline/file.ts';
import type { WalkedSource } from '../sources.ts';
import { endOfFolder, KnownEntries, stateOf } from './compare-query.ts';

/** What a walk found out about one entry by its stat alone, against what the catalog knows. */
export type Compared =
  | {
      readonly is: 'due' | 'unchanged';
      readonly entry: EntryRef;
      readonly kind: EntryKind;
      readonly sizeBytes: number;
      /** False: as it was when it was looked at last. That can be due too, where it was not protected then. */
      readonly isChanged: boolean;
    }
  | { readonly is: 'skipped'; readonly entry: EntryRef; readonly kind: EntryKind; readonly skip: Skip }
  | { readonly is: 'gone'; readonly entry: EntryRef }
  | { readonly is: 'unreachable'; readonly path: Buffer; readonly code: string };

/** How far a comparison came. */
export interface Place {
  /** A comparison that begins after this path says what this one would say from there on. Undefined: from the start. */
  after: Buffer | undefined;
  /** Whether that is just behind the item before the last one. */
  isHere: boolean;
}

/**
 * Walks a source, or only the paths given, and holds what it meets against the catalog's standing entries, both in the byte
 * order of their paths: nothing is kept of what was passed. Entries that the catalog knows and the walk did not meet are
 * `gone`, unless they lie below something that could not be looked at or is skipped.
 *
 * @param only these paths and what is below them; undefined: all
 * @param place where to begin; kept up to date
 */
export async function* compareTree(
  source: WalkedSource,
  catalog: Catalog,
  ids: Ids,
  only?: readonly Buffer[],
  place: Place = { after: undefined, isHere: true },
): AsyncGenerator<Compared> {
  const { after } = place;
  const known = new KnownEntries(catalog, source.id, only, after);
  const hidden = new HiddenPaths();
  const options = { ...(only && { only }), ...(after && { after }) };
  for await (const item of walk(source.root, source.filter, options)) {
    if (known.mayPrecede(item.path)) yield* missedBefore(item.path);
    if (item.error) {
      hidden.add(item.path);
      yield { is: 'unreachable', path: item.path, code: item.error.code };
    } else {
      const met = known.take(item.path);
      const entry = refOf(met ?? { id: ids.entry(source.id, item.path), path: item.path });
      const { kind, skip } = item;
      if (skip) {
        hidden.add(item.path);
        yield { is: 'skipped', entry, kind, skip };
      } else {
        const facts = statFacts(kind, item.stat);
        const isChanged = met?.state !== stateOf(facts);
        const is = !isChanged && met?.isWell ? 'unchanged' : 'due';
        yield { is, entry, kind, sizeBytes: facts.sizeBytes, isChanged };
      }
    }
    passed(item.path);
  }
  yield* missedBefore(undefined);

  /** What the catalog knows before a path, or to its end, and the walk passed by. */
  async function* missedBefore(path: Buffer | undefined): AsyncGenerator<Compared> {
    for (let missed = await known.before(path); missed !== undefined; missed = await known.before(path)) {
      if (hidden.hide(missed.path)) continue;
      const entry = refOf(missed);
      // An original that was moved to quarantine is where it belongs.
      if (missed.outcome !== 'quarantined') yield { is: 'gone', entry };
      else yield { is: 'unchanged', entry, kind: missed.kind, sizeBytes: missed.sizeBytes, isChanged: false };
      passed(missed.path);
    }
  }

  function refOf({ id, path }: Pick<EntryRef, 'id' | 'path'>): EntryRef {
    return { id, sourceId: source.id, path };
  }

  /** Another comparison would not know what is hidden: it cannot begin where something still may be. */
  function passed(path: Buffer): void {
    place.isHere = !hidden.reachBeyond(path);
    if (place.isHere) place.after = path;
  }
}

/** Paths met of which nothing is known to be gone, nor of what lies below them. Only those are kept that something may still lie below. */
class HiddenPaths {
  private paths: Buffer[] = [];

  /** Paths come in walk order; what is below one comes after it, though not at once. */
  add(path: Buffer): void {
    this.reachBeyond(path);
    this.paths.push(path);
  }

  hide(path: Buffer): boolean {
    return this.paths.some((hidden) => isWithin(path, hidden));
  }

  /** Whether something that sorts after this path may be hidden. */
  reachBeyond(path: Buffer): boolean {
    if (this.paths.length === 0) return false;
    this.paths = this.paths.filter((hidden) => hidden.length === 0 || endOfFolder(hidden).compare(path) > 0);
    return this.paths.length > 0;
  }
}
