import { lstat } from 'node:fs/promises';
import type { Catalog } from '../catalog/catalog.ts';
import { expectedBetween, type KnownVersionName } from '../catalog/verify-query.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { ServedSource } from '../pipeline/context.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ReportRow } from './rows.ts';

/** Where a report looks. What cannot be looked at is named in `away`, and the report is not complete. */
export interface Places {
  readonly sources: Iterable<ServedSource>;
  readonly destinations: ReadonlyMap<string, { readonly store: ObjectStore; readonly prefix: string }>;
  readonly away: string[];
}

/** What the catalog knows and the disk or a bucket lacks. Only reads. */
export async function* missingRows(catalog: Catalog, places: Places): AsyncGenerator<ReportRow> {
  for (const source of places.sources) {
    try {
      const { path: root } = await source.root();
      for await (const path of protectedPaths(catalog, source.id)) {
        if (!(await isThere(Buffer.concat([root, Buffer.from('/'), path]))))
          yield { from: 'disk', source: source.config.name, path, object: null, s3VersionId: null };
      }
    } catch (error) {
      if (!isFailure(error, 'source_unavailable')) throw error;
      places.away.push(source.config.name);
    }
  }
  for (const [name, { store, prefix }] of places.destinations) {
    try {
      yield* lackingIn(catalog, name, store, prefix === '' ? '' : `${prefix}/`);
    } catch (error) {
      if (!isFailure(error, 's3_unavailable')) throw error;
      places.away.push(name);
    }
  }
}

const pathsAtOnce = 1_000;

/** Paths whose newest version is protected, in order. What is in quarantine or was deleted is where it should be. */
async function* protectedPaths(catalog: Catalog, sourceId: Id): AsyncGenerator<Buffer> {
  for (let after: Buffer = Buffer.alloc(0); ; ) {
    const page: readonly { path: Buffer }[] = await catalog.rows(
      `select e.path from entries e join versions v on v.id = e.head_version_id
       where e.source_id = $1 and v.outcome in ('uploaded', 'duplicate') and e.path > $2 order by e.path limit $3`,
      [sourceId, after, pathsAtOnce],
    );
    for (const { path } of page) yield path;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.path;
  }
}

async function isThere(path: Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Anything else says nothing about the file.
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

/** Listed versions that are held against the catalog together. */
const batchVersions = 1_000;

/** Bucket and catalog are walked in the order of names, so that memory does not grow with either. */
async function* lackingIn(
  catalog: Catalog,
  destination: string,
  store: ObjectStore,
  below: string,
): AsyncGenerator<ReportRow> {
  let done = '';
  let listed = new Set<string>();
  let last = '';
  const hold = async (upTo: string | null): Promise<ReportRow[]> => {
    const expected = await expectedBetween(catalog, destination, done, upTo);
    const lacking = expected.filter((one) => !listed.has(nameOf(one)));
    done = upTo ?? done;
    listed = new Set();
    const rows = await Promise.all(lacking.map((one) => lackingRows(catalog, destination, store, one)));
    return rows.flat();
  };
  for await (const version of store.listVersions(below)) {
    // Versions of one name stay together.
    if (listed.size >= batchVersions && version.key !== last) yield* await hold(last);
    if (!version.isDeleteMarker) listed.add(nameOf({ key: version.key, s3VersionId: version.versionId }));
    last = version.key;
  }
  yield* await hold(null);
}

const nameOf = ({ key, s3VersionId }: Pick<KnownVersionName, 'key' | 's3VersionId'>): string =>
  JSON.stringify([key, s3VersionId]);

/** One row for each file that rests on it. It is asked for by itself first: it may have come after the listing. */
async function lackingRows(
  catalog: Catalog,
  destination: string,
  store: ObjectStore,
  { key, s3VersionId, objectId }: KnownVersionName,
): Promise<ReportRow[]> {
  if ((await store.head({ key, versionId: s3VersionId })) !== undefined) return [];
  const files = objectId === null ? [] : await filesOn(catalog, objectId);
  const affected = files.length > 0 ? files : [{ source: null, path: null }];
  return affected.map(({ source, path }) => ({ from: destination, source, path, object: key, s3VersionId }));
}

function filesOn(catalog: Catalog, objectId: Id): Promise<{ source: string; path: Buffer }[]> {
  return catalog.rows<{ source: string; path: Buffer }>(
    `select distinct s.name as source, e.path from placements p join versions v on v.id = p.version_id
     join entries e on e.id = v.entry_id join sources s on s.id = e.source_id
     where p.object_id = $1 and p.state = 'committed' order by 1, 2`,
    [objectId],
  );
}
