import type { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { retrying, throwIfInterrupted } from '../restore/retry.ts';
import { prefixed } from '../sealed/names.ts';
import type { Bucket } from './bucket.ts';
import { inParallel } from './in-parallel.ts';
import {
  contentRow,
  placeRows,
  type ScratchPlace,
  type ScratchVersion,
  scanRow,
  versionRow,
} from './rebuild-rows.ts';
import { bytesOf } from './scratch.ts';

export interface Rebuilding {
  readonly db: DatabaseSync;
  readonly bucket: Bucket;
  readonly catalog: Catalog;
  readonly ids: Ids;
  /** The run that rebuilds. */
  readonly run: Id;
  /** The destination's name in the configuration. */
  readonly destination: string;
  readonly onProgress: (progress: {
    what: 'entries' | 'versions' | 'objects';
    done: number;
    total: number;
  }) => void;
}

export interface Rebuilt {
  readonly entries: number;
  readonly versions: number;
  readonly objects: number;
}

/** New observations of an entry begin this far above the highest that was seen: numbers lost with the catalog stay unused. */
export const observationGap = 1_000_000;
const pageRows = 500;

/**
 * Fills the catalog with what was read back: entries with versions, contents, verdicts, objects and manifests. Rows that are
 * there already stay, so a rebuild that was stopped goes on by running again. The sources must be recorded.
 */
export async function rebuildCatalog(rebuilding: Rebuilding): Promise<Rebuilt> {
  const { db } = rebuilding;
  const count = (table: string): number =>
    Number(db.prepare(`select count(*) as count from ${table}`).get()?.count);
  const rebuilt = { entries: count('entry'), versions: count('version'), objects: count('object') };
  await entries(rebuilding, rebuilt.entries);
  await versions(rebuilding, rebuilt.versions);
  await places(rebuilding, count('place'));
  await manifests(rebuilding);
  return rebuilt;
}

async function entries({ db, bucket, catalog, onProgress }: Rebuilding, total: number): Promise<void> {
  const pages = pagesOf<{ id: Id; source: Id; path: Uint8Array; headId: Id; observation: number }>(
    db,
    `select e.id, e.source, e.path, h.id as "headId", h.observation from entry e
     join version h on h.id = (select id from version where entry = e.id order by observation desc limit 1)
     where e.id > ? order by e.id`,
  );
  let done = 0;
  for (const page of pages) {
    throwIfInterrupted(bucket.signal);
    const rows = page.map(({ id, source, path, headId, observation }) => ({
      id,
      source_id: source,
      path: `\\x${bytesOf(path).toString('hex')}`,
      observation: observation + observationGap,
      head_version_id: headId,
      head_observation: observation,
    }));
    await insert(catalog, 'entries', rows);
    done += page.length;
    onProgress({ what: 'entries', done, total });
  }
}

async function versions(
  { db, bucket, catalog, ids, run, onProgress }: Rebuilding,
  total: number,
): Promise<void> {
  const pages = pagesOf<ScratchVersion>(
    db,
    `select v.id, v.entry, v.observation, v.kind, v.outcome, v.scope, v.journal, v.row,
            exists (select 1 from place p join object o on o.name = p.object join version m on m.id = p.made_for
                    where p.version = v.id) as placed
     from version v where v.id > ? order by v.id`,
  );
  let done = 0;
  for (const page of pages) {
    throwIfInterrupted(bucket.signal);
    await insert(catalog, 'contents', present(page.map(contentRow)));
    await insert(
      catalog,
      'versions',
      page.map((version) => versionRow(version, { ids, run })),
    );
    await insert(catalog, 'scans', present(page.map((version) => scanRow(version, ids))));
    done += page.length;
    onProgress({ what: 'versions', done, total });
  }
}

async function places(rebuilding: Rebuilding, total: number): Promise<void> {
  const { db, bucket, catalog, ids, destination, onProgress } = rebuilding;
  // A version may be placed in several destinations under one name; this bucket is one of them.
  const pages = pagesOf<ScratchPlace & { id: Id }>(
    db,
    `select p.version as id, p.version, p.object, o.version_id as "foundId", o.length as "objectLength", p.offset, p.length,
            (select position from member where object = p.object and offset = p.offset) as position,
            p.format, p.key, p.generation, p.iv, p.made_for as "madeFor", p.sealed_sha256 as "sealedSha256",
            p.lock_mode as "lockMode", p.retain_until as "retainUntil", v.journal, v.scope,
            json_extract(v.row, '$.sha512') as sha512
     from place p join object o on o.name = p.object join version v on v.id = p.version join version m on m.id = p.made_for
     where p.version > ? group by p.version order by p.version`,
  );
  let done = 0;
  for (const page of pages) {
    throwIfInterrupted(bucket.signal);
    const adopted = page.filter(({ journal }) => journal === null);
    const objects = new Map(adopted.map((place) => [place.object, place]));
    const locks = await locksOf(bucket, [...objects.values()]);
    const rows = page.map((place) => {
      const { lockMode: mode, retainUntil } = place;
      const lock = locks.get(place.object) ?? { mode, retainUntil };
      return placeRows(place, { ids, destination, key: prefixed(bucket.prefix, place.object), lock });
    });
    await insert(
      catalog,
      'sealings',
      rows.map(({ sealing }) => sealing),
    );
    await insert(catalog, 'pack_members', present(rows.map(({ member }) => member)));
    await insert(
      catalog,
      'objects',
      rows.map(({ object }) => object),
    );
    await insert(
      catalog,
      'placements',
      rows.map(({ placement }) => placement),
    );
    done += page.length;
    onProgress({ what: 'objects', done, total });
  }
}

/** The locks of object versions as the store tells them, by the object's name; none for one that has none. */
async function locksOf(
  { store, prefix, signal, retryPausesMs }: Bucket,
  objects: readonly { readonly object: string; readonly foundId: string }[],
): Promise<Map<string, { mode: string; retainUntil: string }>> {
  const locks = new Map<string, { mode: string; retainUntil: string }>();
  const ask = async ({ object, foundId }: { object: string; foundId: string }): Promise<void> => {
    const version = { key: prefixed(prefix, object), versionId: foundId };
    const facts = await retrying(() => store.head(version), signal, retryPausesMs);
    if (facts?.lock === undefined) return;
    locks.set(object, { mode: facts.lock.mode, retainUntil: facts.lock.retainUntil.toISOString() });
  };
  await inParallel(objects, ask);
  return locks;
}

async function manifests({ db, bucket, catalog, destination }: Rebuilding): Promise<void> {
  const pages = pagesOf<ScratchManifest>(
    db,
    `select source || number || sha256 as id, source, number, sha256, previous, kind, last, created_at as "createdAt", rows,
            object, version_id as "foundId", length
     from manifest where source || number || sha256 > ? order by 1`,
  );
  for (const page of pages) {
    throwIfInterrupted(bucket.signal);
    const locks = await locksOf(bucket, page);
    const rows = page.map((manifest) => ({
      source_id: manifest.source,
      number: manifest.number,
      destination,
      kind: manifest.kind,
      state: 'committed',
      object_key: prefixed(bucket.prefix, manifest.object),
      s3_version_id: manifest.foundId,
      length: manifest.length,
      sha256: `\\x${manifest.sha256}`,
      previous_sha256: manifest.previous === null ? null : `\\x${manifest.previous}`,
      row_count: manifest.rows,
      is_last_part: manifest.last === 1,
      lock_mode: locks.get(manifest.object)?.mode ?? 'GOVERNANCE',
      retain_until: locks.get(manifest.object)?.retainUntil ?? null,
      created_at: manifest.createdAt,
    }));
    await insert(catalog, 'manifests', rows);
  }
}

interface ScratchManifest {
  readonly id: string;
  readonly source: Id;
  readonly number: number;
  readonly sha256: string;
  readonly previous: string | null;
  readonly kind: string;
  readonly last: 0 | 1;
  readonly createdAt: string;
  readonly rows: number;
  readonly object: string;
  readonly foundId: string;
  readonly length: number;
}

/** Pages of a query that goes on after an id; sequential, so that neither side waits in memory. */
function* pagesOf<Row extends { readonly id: string }>(db: DatabaseSync, sql: string): Generator<Row[]> {
  const statement = db.prepare(`${sql} limit ${pageRows}`);
  for (let after = ''; ; ) {
    const page = statement.all(after) as unknown as Row[];
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.id;
  }
}

/** Rows by their columns' names. What is there already stays as it is. */
async function insert(catalog: Catalog, table: string, rows: readonly object[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first).join(', ');
  await catalog.rows(
    `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1) on conflict do nothing`,
    [JSON.stringify(rows)],
  );
}

const present = <Row>(rows: readonly (Row | undefined)[]): Row[] => rows.filter((row) => row !== undefined);
