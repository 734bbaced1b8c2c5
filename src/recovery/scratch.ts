import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';

/**
 * What was read back from a bucket, in a temporary database, so that memory stays bounded whatever the number of objects.
 *
 * `found`: every object version of a kind of ours, by name without prefix; `number` counts a name's versions, 0 the newest.
 * `version`: one row per version of an entry. `journal` is the number of the manifest whose account counts, null for one
 * adopted from its sealed file; `scope` names the key scope it was told under; `standing` says whether restore can have it: 1 yes, 0 its object is not there, null it was
 * never protected. `row` is JSON, a RecoveredFacts.
 * `place`: where the sealed file of a version lies. `object`: which object version of that name is the right one. `member`:
 * the position of each sealed file of a pack, from 0, by where it lies.
 */
const schema = `
  create table found (name text, number integer, version_id text, length integer, modified integer,
    primary key (name, number)) without rowid;
  create table source (id text primary key, name text) without rowid;
  create table manifest (source text, number integer, sha256 text, previous text, kind text, part integer, last integer,
    created_at text, rows integer, object text, version_id text, length integer, primary key (source, number, sha256)) without rowid;
  create table entry (id text primary key, source text, path blob) without rowid;
  create unique index entry_path on entry (source, path);
  create table version (id text primary key, entry text, observation integer, kind text, outcome text, observed_at integer,
    size integer, hardlink text, scope text, journal integer, standing integer, row text) without rowid;
  create index version_entry on version (entry, observation);
  create table place (version text, destination text, object text, version_id text, offset integer, length integer,
    format text, key text, generation integer, iv text, made_for text, sealed_sha256 text, lock_mode text, retain_until text,
    primary key (version, destination)) without rowid;
  create index place_object on place (object);
  create table object (name text primary key, version_id text, length integer) without rowid;
  create table member (object text, offset integer, position integer, primary key (object, offset)) without rowid;
`;

/**
 * Runs `work` with an empty database in `folder`. It holds names of files, so its own file is private and has no name from
 * the first moment on: it is gone when the process ends, however that happens. Failure `work_folder_unusable`, also where
 * the folder has no room left.
 */
export async function withScratch<T>(
  folder: string | undefined,
  work: (db: DatabaseSync) => Promise<T>,
): Promise<T> {
  const db = openScratch(folder);
  try {
    return await work(db);
  } catch (error) {
    throw isFull(error)
      ? new Failure('work_folder_unusable', { reason: 'no room left' }, { cause: error })
      : error;
  } finally {
    db.close();
  }
}

/** The database alone; whoever opens it closes it. */
export function openScratch(folder: string = tmpdir()): DatabaseSync {
  try {
    const made = mkdtempSync(join(folder, 'holdfast-recovery-'));
    try {
      const file = join(made, 'scratch.db');
      closeSync(openSync(file, 'wx', 0o600));
      return prepared(new DatabaseSync(file));
    } finally {
      rmSync(made, { recursive: true });
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Failure('work_folder_unusable', { reason: code }, { cause: error });
  }
}

/** SQLITE_FULL and SQLITE_IOERR_WRITE (SQLite, "Result and Error Codes"). */
const fullCodes: readonly unknown[] = [13, 778];

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && fullCodes.includes(error.errcode);

/** Nothing in it outlives the process, so it keeps no journal and one transaction takes everything. */
function prepared(db: DatabaseSync): DatabaseSync {
  db.exec(
    'pragma journal_mode = off; pragma synchronous = off; pragma locking_mode = exclusive; pragma cache_size = -65536',
  );
  db.exec('begin');
  db.exec(schema);
  return db;
}

/** Bytes as SQLite gives them. */
export const bytesOf = (value: unknown): Buffer => {
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
};
