import type { Catalog } from '../catalog/catalog.ts';
import {
  type Cursor,
  listedVersions,
  type ObjectNaming,
  type Pass,
  type PassedVersion,
  versionsToList,
} from '../catalog/journal-query.ts';
import { canonicalText } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import type { ManifestRow } from './records.ts';
import { rowSchema } from './schema.ts';

/** Rows of one manifest, and where the pass goes on after them. */
export interface Gathered {
  /** By scope name. */
  readonly sections: ReadonlyMap<string, readonly ManifestRow[]>;
  readonly rowCount: number;
  /** Undefined: the pass has ended. */
  readonly next: Cursor | undefined;
}

export interface GatherOptions {
  readonly sourceId: Id;
  readonly pass: Pass;
  readonly from: Cursor | undefined;
  readonly mostRows: number;
  readonly nameOf: ObjectNaming;
  /** The scope a row is sealed for instead of the one it belongs to, if that has no key. */
  readonly sealedFor: (scope: string) => string;
  /** Told of versions that have no form in a manifest: a defect, which must not keep the others from being listed. */
  readonly onUnlistable: (versionId: Id) => void;
}

/** Rows read at once, and how many of them may be long. */
const pageRows = 256;
const longPageRows = 32;
/** Content of one manifest, at most a page more: far below what the format allows, because it is in memory. */
const mostBytes = 16 * 1024 * 1024;

/** Reads rows page by page until there is enough for one manifest. */
export async function gather(catalog: Catalog, o: GatherOptions): Promise<Gathered> {
  const passed = await versionsToList(catalog, { ...o, limit: o.mostRows + 1 });
  const taken = passed.slice(0, o.mostRows);
  const sections = new Map<string, ManifestRow[]>();
  let rowCount = 0;
  let sizeBytes = 0;
  for (const { page, next } of pagesOf(taken)) {
    const ids = page.map(({ id }) => id);
    for (const { row, scope } of await listedVersions(catalog, ids, o.nameOf)) {
      if (!rowSchema.safeParse(row).success) {
        o.onUnlistable(row.version);
        continue;
      }
      sectionOf(sections, o.sealedFor(scope)).push(row);
      rowCount += 1;
      sizeBytes += Buffer.byteLength(canonicalText(row));
    }
    if (sizeBytes >= mostBytes && next !== undefined)
      return { sections, rowCount, next: page.at(-1)?.cursor };
  }
  return { sections, rowCount, next: passed.length > taken.length ? taken.at(-1)?.cursor : undefined };
}

/** What is read at once, with what comes after it. */
function* pagesOf(passed: readonly PassedVersion[]) {
  for (let at = 0; at < passed.length; ) {
    let [end, longRows] = [at, 0];
    while (end < passed.length && end - at < pageRows && longRows < longPageRows)
      if (passed[end++]?.isLong) longRows++;
    yield { page: passed.slice(at, end), next: passed[end] };
    at = end;
  }
}

function sectionOf(sections: Map<string, ManifestRow[]>, scope: string): ManifestRow[] {
  const section = sections.get(scope) ?? [];
  sections.set(scope, section);
  return section;
}
