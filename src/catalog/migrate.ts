import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';
import { Failure } from '../domain/failures.ts';
import { translated } from './database.ts';

const folder = new URL('./migrations/', import.meta.url);
/** Any constant of ours: one migration at a time per database. */
const migrationLock = 7_203_114;

/**
 * Brings the schema to the newest migration, as the tables' owner. Forward only: a migration that ran before
 * and reads differently now, or one this program does not know, is refused: Failure `schema_unknown`.
 *
 * @param writerPassword set on the role the program runs as; undefined leaves the role's login alone.
 */
export function migrate(pool: pg.Pool, writerPassword?: string): Promise<string[]> {
  return translated(() => bringUpToDate(pool, writerPassword));
}

async function bringUpToDate(pool: pg.Pool, writerPassword?: string): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    await makeRoles(client, writerPassword);
    await client.query(`create table if not exists schema_migrations (
      name text primary key, sha256 text not null, at timestamptz not null default now())`);
    const applied = await client.query<{ name: string; sha256: string }>(
      'select name, sha256 from schema_migrations',
    );
    const known = new Map(applied.rows.map((row) => [row.name, row.sha256]));
    const ran: string[] = [];
    const all = await migrations();
    for (const name of known.keys()) {
      if (!all.some((migration) => migration.name === name))
        throw new Failure('schema_unknown', { migration: name });
    }
    for (const { name, sql, sha256 } of all) {
      const before = known.get(name);
      if (before === sha256) continue;
      if (before !== undefined) throw new Failure('schema_unknown', { migration: name });
      await client.query('begin');
      await client.query(sql);
      await client.query('insert into schema_migrations (name, sha256) values ($1, $2)', [name, sha256]);
      await client.query('commit');
      ran.push(name);
    }
    return ran;
  } finally {
    // Closing instead of returning it also ends an open transaction and the advisory lock.
    client.release(true);
  }
}

/**
 * Failure `schema_behind` unless the schema is exactly the one of this program: what a host asks that may not change it.
 */
export async function requireSchema(pool: pg.Pool): Promise<void> {
  const applied = await translated(() =>
    pool.query<{ name: string; sha256: string }>('select name, sha256 from schema_migrations'),
  );
  const known = new Map(applied.rows.map((row) => [row.name, row.sha256]));
  for (const { name, sha256 } of await migrations()) {
    if (known.get(name) !== sha256) throw new Failure('schema_behind', { migration: name });
    known.delete(name);
  }
  for (const name of known.keys()) throw new Failure('schema_unknown', { migration: name });
}

async function migrations(): Promise<{ name: string; sql: string; sha256: string }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Roles belong to the whole server, so two databases of one server share them. */
async function makeRoles(client: pg.PoolClient, writerPassword?: string): Promise<void> {
  for (const role of ['holdfast_writer', 'holdfast_reader']) {
    await client.query(
      `do $$ begin create role ${role} nologin; exception when duplicate_object then null; end $$`,
    );
  }
  if (writerPassword === undefined) return;
  const quoted = await client.query<{ statement: string }>(
    `select format('alter role holdfast_writer login password %L', $1::text) as statement`,
    [writerPassword],
  );
  await client.query(quoted.rows[0]?.statement ?? '');
}
