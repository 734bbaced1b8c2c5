import { isDeepStrictEqual } from 'node:util';
import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import type { Selection } from '../restore/restore-index.ts';
import type { Catalog } from './catalog.ts';
import {
  type EntryPage,
  entriesWithVersion,
  entryPages,
  headOf,
  observedBy,
  Values,
} from './selected-entries.ts';

/** One version of an entry, as it was observed. */
export interface PastVersion {
  readonly id: Id;
  readonly kind: EntryKind;
  /** Null while it is under way. */
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly sizeBytes: number;
  /** Permission bits with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly linkTarget: Buffer | null;
  readonly sha512: Buffer | null;
  readonly xattrs: Readonly<Record<string, string>> | null;
  readonly observedAt: Date;
  /** The signature that found its content infected after it was stored. */
  readonly lateSignature: string | null;
}

/** One entry as it stood at a moment. */
export interface PastEntry {
  readonly path: Buffer;
  /** The newest settled version; undefined while the first one is under way, and for an implied folder. */
  readonly head?: PastVersion;
  /** What restore brings back: the newest protected version; undefined if there is none. */
  readonly version?: PastVersion;
  /** Set on a folder that has no entry of its own, because only what is in it was protected. */
  readonly isImpliedFolder?: true;
}

/** A source, or one path in it with everything below, as it was at a moment; without one as it is. */
export type Past = Pick<Selection, 'sourceId' | 'path' | 'at'>;

/** All entries at or below a path as they stood, by byte order of their paths; what was deleted by then is not among them. */
export async function* entriesBelow(catalog: Catalog, past: Past): AsyncGenerator<PastEntry> {
  for await (const entries of standingPages(catalog, past)) yield* entries;
}

/** The entry at a path; undefined where none stood. */
export async function entryAt(
  catalog: Catalog,
  { sourceId, path, at }: Past,
): Promise<PastEntry | undefined> {
  const page = { where: 'e.source_id = $1 and e.path = $2', values: [sourceId, path] };
  const [entry] = await standing(catalog, at, page);
  return entry;
}

async function* standingPages(catalog: Catalog, past: Past): AsyncGenerator<PastEntry[]> {
  for await (const page of entryPages(catalog, past, 'forwards')) {
    yield await standing(catalog, past.at, page);
  }
}

async function standing(catalog: Catalog, at: Date | undefined, page: EntryPage): Promise<PastEntry[]> {
  const { from, values } = entriesWithVersion(at === undefined ? {} : { at }, page);
  const rows = await catalog.rows<Row>(
    `select e.path, ${versionColumns('h')}, ${versionColumns('g')} ${from} order by e.path`,
    values,
  );
  return rows.map((row) => {
    const head = pastVersion(row, 'h');
    const version = pastVersion(row, 'g');
    return {
      path: row.path,
      ...(head === undefined ? {} : { head }),
      ...(version === undefined ? {} : { version }),
    };
  });
}

/** How many names of a folder one statement finds. */
const pageNames = 1_000;

/** What stood directly in a folder, implied folders too. */
export async function* entriesInFolder(catalog: Catalog, past: Past): AsyncGenerator<PastEntry> {
  const inside = past.path.length === 0 ? 0 : past.path.length + 1;
  // No name holds a NUL, so this is before the first one.
  let from: Buffer | undefined = Buffer.concat([past.path, Buffer.from(inside === 0 ? '\0' : '/')]);
  while (from !== undefined) {
    const found = await firstPaths(catalog, past, inside, from);
    yield* namedEntries(
      catalog,
      past,
      found.map((path) => nameIn(path, inside)),
    );
    const last = found.at(-1);
    from = last === undefined || found.length < pageNames ? undefined : pathAfter(last, inside);
  }
}

/** @param names each once for itself, and once again where something lies below it */
async function* namedEntries(
  catalog: Catalog,
  past: Past,
  names: readonly FolderName[],
): AsyncGenerator<PastEntry> {
  const page: EntryPage = {
    where: 'e.source_id = $1 and e.path = any($2)',
    values: [past.sourceId, names.map(({ path }) => path)],
  };
  const own = byPath(await standing(catalog, past.at, page));
  const gone = byPath(await goneEntries(catalog, past.at, page));
  for (const { path, isBelow } of names) {
    const key = path.toString('latin1');
    const entry = own.get(key);
    if (!isBelow && entry !== undefined) yield entry;
    const isKnown = entry !== undefined || gone.has(key);
    if (isBelow && !isKnown && (await holdsAnything(catalog, { ...past, path }))) {
      yield { path, isImpliedFolder: true };
    }
  }
}

interface FolderName {
  /** Of the name itself. */
  readonly path: Buffer;
  /** Whether it was found because something lies below it. */
  readonly isBelow: boolean;
}

/** The name that a path goes through in a folder whose path, with its slash, is `inside` bytes long. */
function nameIn(path: Buffer, inside: number): FolderName {
  const slash = path.indexOf('/', inside);
  return { path: slash === -1 ? path : path.subarray(0, slash), isBelow: slash !== -1 };
}

/** Before the next name of the folder: right after a name itself, or after all that is below one. */
function pathAfter(path: Buffer, inside: number): Buffer {
  const name = nameIn(path, inside);
  return Buffer.concat([name.path, Buffer.from(name.isBelow ? '0' : '\0')]);
}

/** Of each name in a folder its own path and the first path below it, from `from` on: what lies deeper is skipped over. */
async function firstPaths(
  catalog: Catalog,
  { sourceId, path }: Past,
  inside: number,
  from: Buffer,
): Promise<Buffer[]> {
  const values = new Values();
  const source = `e.source_id = ${values.add(sourceId)}`;
  const end = inside === 0 ? '' : `and e.path < ${values.add(Buffer.concat([path, Buffer.from('0')]))}`;
  const first = (bound: string): string =>
    `select e.path from entries e where ${source} and e.path >= ${bound} ${end} order by e.path limit 1`;
  const name = `${values.add(inside)}::integer`;
  const slash = `position('/'::bytea in substring(n.path from ${name} + 1))`;
  const next = `case when ${slash} = 0 then n.path || '\\x00'::bytea
    else substring(n.path from 1 for ${name} + ${slash} - 1) || '0'::bytea end`;
  const rows = await catalog.rows<{ path: Buffer }>(
    `with recursive names as (
       (${first(values.add(from))})
       union all
       select (${first(next)}) from names n where n.path is not null
     ) select path from names where path is not null limit ${pageNames}`,
    values.list,
  );
  return rows.map((row) => row.path);
}

async function goneEntries(
  catalog: Catalog,
  at: Date | undefined,
  page: EntryPage,
): Promise<{ path: Buffer }[]> {
  const values = new Values(page.values);
  return catalog.rows<{ path: Buffer }>(
    `select e.path from entries e ${headOf(at === undefined ? {} : { at }, values)}
     where ${page.where} and h.outcome = 'deleted'`,
    values.list,
  );
}

async function holdsAnything(catalog: Catalog, past: Past): Promise<boolean> {
  for await (const entries of standingPages(catalog, past)) if (entries.length > 0) return true;
  return false;
}

/** A version and the entry's path. */
export interface FoundVersion {
  readonly path: Buffer;
  readonly version: PastVersion;
}

/**
 * The versions of the entries whose path matches, by path: of each entry the newest settled one, a tombstone too; or all
 * of them, newest first.
 */
export async function* matchingVersions(
  catalog: Catalog,
  past: Past,
  matches: (path: Buffer) => boolean,
  which: 'newest' | 'all',
): AsyncGenerator<FoundVersion> {
  for await (const page of entryPages(catalog, past, 'forwards')) {
    const entries = await catalog.rows<{ id: Id; path: Buffer }>(
      `select e.id, e.path from entries e where ${page.where}`,
      [...page.values],
    );
    const ids = entries.filter((entry) => matches(entry.path)).map((entry) => entry.id);
    if (ids.length > 0) yield* versionsOf(catalog, ids, past.at, which);
  }
}

async function* versionsOf(
  catalog: Catalog,
  entryIds: readonly Id[],
  at: Date | undefined,
  which: 'newest' | 'all',
): AsyncGenerator<FoundVersion> {
  const values = new Values([entryIds]);
  const moment = at === undefined ? {} : { at };
  const joined =
    which === 'newest'
      ? headOf(moment, values)
      : `join versions h on h.entry_id = e.id ${at === undefined ? '' : `and ${observedBy(at, values, 'h')}`}`;
  const rows = await catalog.rows<Row>(
    `select e.path, ${versionColumns('h')} from entries e ${joined}
     where e.id = any($1) and h.id is not null order by e.path, h.observation desc`,
    values.list,
  );
  for (const row of rows) {
    const version = pastVersion(row, 'h');
    if (version !== undefined) yield { path: row.path, version };
  }
}

/** How an entry that restore brings back differs between two moments. */
export interface EntryChange {
  readonly path: Buffer;
  /** `metadata`: mode, owner, times or extended attributes; of a folder not the times, which every change in it changes. */
  readonly change: 'added' | 'removed' | 'modified' | 'metadata' | 'type';
  readonly before?: PastVersion;
  readonly after?: PastVersion;
}

/** What changed from one moment to another, earlier or later one, by path: compares what restore would bring back. */
export async function* changesBetween(
  catalog: Catalog,
  scope: Pick<Past, 'sourceId' | 'path'>,
  from: Date,
  to: Date,
): AsyncGenerator<EntryChange> {
  for await (const page of changedPages(catalog, scope, from, to)) {
    const before = byPath(await standing(catalog, from, page));
    const after = byPath(await standing(catalog, to, page));
    const paths = new Map([...before, ...after].map(([key, { path }]) => [key, path]));
    for (const [key, path] of [...paths].sort(([, a], [, b]) => a.compare(b))) {
      const change = changeOf(path, before.get(key)?.version, after.get(key)?.version);
      if (change !== undefined) yield change;
    }
  }
}

/** Up to so many versions between two moments, their entries are looked up one by one instead of asking every entry. */
const fewVersions = 5_000;

/** The entries of which something was observed between the two moments: no other one can differ. */
async function* changedPages(
  catalog: Catalog,
  scope: Pick<Past, 'sourceId' | 'path'>,
  from: Date,
  to: Date,
): AsyncGenerator<EntryPage> {
  const [earlier, later] = from < to ? [from, to] : [to, from];
  const between = (values: Values): string =>
    `${observedBy(later, values)} and not ${observedBy(earlier, values)}`;
  const values = new Values();
  const versions = await catalog.rows<{ entryId: Id }>(
    `select v.entry_id as "entryId" from versions v where ${between(values)} limit ${fewVersions + 1}`,
    values.list,
  );
  const entryIds = versions.length > fewVersions ? undefined : versions.map((version) => version.entryId);
  if (entryIds?.length === 0) return;
  for await (const page of entryPages(catalog, { ...scope, ...(entryIds && { entryIds }) }, 'forwards')) {
    const values = new Values(page.values);
    const rows = await catalog.rows<{ id: Id }>(
      `select e.id from entries e where ${page.where} and exists (
         select 1 from versions v where v.entry_id = e.id and ${between(values)})`,
      values.list,
    );
    if (rows.length > 0) yield { where: 'e.id = any($1)', values: [rows.map((row) => row.id)] };
  }
}

function changeOf(path: Buffer, before?: PastVersion, after?: PastVersion): EntryChange | undefined {
  if (before === undefined) return after && { path, change: 'added', after };
  if (after === undefined) return { path, change: 'removed', before };
  if (before.kind !== after.kind) return { path, change: 'type', before, after };
  if (!isDeepStrictEqual(contentFacts(before), contentFacts(after))) {
    return { path, change: 'modified', before, after };
  }
  if (isDeepStrictEqual(metadataFacts(before), metadataFacts(after))) return undefined;
  return { path, change: 'metadata', before, after };
}

const contentFacts = ({ sha512, linkTarget }: PastVersion): object => ({ sha512, linkTarget });

const metadataFacts = ({ kind, mode, uid, gid, mtimeNs, xattrs }: PastVersion): object => ({
  mode,
  uid,
  gid,
  xattrs,
  mtimeNs: kind === 'dir' ? undefined : mtimeNs,
});

const byPath = <Entry extends { readonly path: Buffer }>(entries: readonly Entry[]): Map<string, Entry> =>
  new Map(entries.map((entry) => [entry.path.toString('latin1'), entry]));

type Row = { readonly path: Buffer } & Readonly<Record<string, unknown>>;

const columnOf: Readonly<Record<keyof PastVersion, string>> = {
  id: 'id',
  kind: 'kind',
  outcome: 'outcome',
  reason: 'reason',
  sizeBytes: 'size_bytes',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  mtimeNs: 'mtime_ns::text',
  linkTarget: 'link_target',
  sha512: 'sha512',
  xattrs: 'xattrs',
  observedAt: 'observed_at',
  lateSignature: 'late_signature',
};

/** The columns of the version that a statement calls `table`. */
function versionColumns(table: string): string {
  return Object.entries(columnOf)
    .map(([name, column]) => `${table}.${column} as "${table}.${name}"`)
    .join(', ');
}

/** Undefined where the join found none. */
function pastVersion(row: Row, table: string): PastVersion | undefined {
  if (row[`${table}.id`] === null) return undefined;
  const values = Object.keys(columnOf).map((name) => [name, row[`${table}.${name}`]]);
  const found = Object.fromEntries(values) as Omit<PastVersion, 'mtimeNs'> & { readonly mtimeNs: string };
  return { ...found, mtimeNs: BigInt(found.mtimeNs) };
}
