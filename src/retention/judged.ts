import type { Catalog } from '../catalog/catalog.ts';
import {
  firstVersion,
  type PlacedVersion,
  placedVersions,
  type VersionCursor,
} from '../catalog/retention-query.ts';
import type { Id, RetentionClass } from '../domain/records.ts';
import { judgeVersion, type Verdict } from '../domain/retention.ts';

/** A version and what becomes of it. */
export interface JudgedVersion extends PlacedVersion {
  readonly verdict: Verdict;
}

/** Where a pass over a source's versions is; `rank` counts the versions of the entry that were passed. */
export interface PassCursor extends VersionCursor {
  readonly rank: number;
}

export const passStart: PassCursor = { ...firstVersion, rank: 0 };

export interface JudgedPage {
  readonly versions: readonly JudgedVersion[];
  readonly next: PassCursor;
}

export interface PassTerms {
  readonly sourceId: Id;
  /** Only what lies at or below it. */
  readonly path?: Buffer;
  readonly classes: Readonly<Record<string, RetentionClass>>;
  /** By the catalog's clock. */
  readonly now: Date;
  readonly pinnedAt: Date | null;
}

const pageVersions = 1_000;

/** Judges every version of a source that rests on an object, in pages, from a place on. */
export async function* judgedPages(
  catalog: Catalog,
  { sourceId, path, classes, now, pinnedAt }: PassTerms,
  from: PassCursor,
): AsyncGenerator<JudgedPage> {
  let at = from;
  for (;;) {
    const page = await placedVersions(catalog, { sourceId, path }, at, pageVersions);
    const versions = page.map((version): JudgedVersion => {
      const { entryId, observation, isGone, holds } = version;
      const rank = entryId === at.entryId ? at.rank : 0;
      at = { entryId, observation, rank: rank + 1 };
      const entry = { isGone, isHeld: holds.length > 0, pinnedAt };
      return { ...version, verdict: judgeVersion(version, rank, entry, classes, now) };
    });
    if (versions.length === 0) return;
    yield { versions, next: at };
    if (versions.length < pageVersions) return;
  }
}
