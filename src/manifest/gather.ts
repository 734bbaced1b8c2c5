import type { Catalog } from '../catalog/catalog.ts';
import {
  type Cursor,
  journalPage,
  type ObjectNaming,
  type Pass,
  pageRows,
} from '../catalog/journal-query.ts';
import { canonical } from '../domain/canonical.ts';
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

/** Content of one manifest, about; far below what the format allows, because it is in memory. */
const mostBytes = 24 * 1024 * 1024;

/** Reads rows page by page until there is enough for one manifest. */
export async function gather(catalog: Catalog, o: GatherOptions): Promise<Gathered> {
  const sections = new Map<string, ManifestRow[]>();
  let { from } = o;
  let rowCount = 0;
  let sizeBytes = 0;
  for (;;) {
    const page = await journalPage(catalog, { ...o, from });
    for (const { row, scope, cursor } of page) {
      if (rowCount === o.mostRows || sizeBytes >= mostBytes) return { sections, rowCount, next: from };
      from = cursor;
      if (!rowSchema.safeParse(row).success) {
        o.onUnlistable(row.version);
        continue;
      }
      sectionOf(sections, o.sealedFor(scope)).push(row);
      rowCount += 1;
      sizeBytes += canonical(row).length;
    }
    if (page.length < pageRows) return { sections, rowCount, next: undefined };
  }
}

function sectionOf(sections: Map<string, ManifestRow[]>, scope: string): ManifestRow[] {
  const section = sections.get(scope) ?? [];
  sections.set(scope, section);
  return section;
}
