import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openPool } from '../../src/catalog/database.ts';
import { migrate } from '../../src/catalog/migrate.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

async function emptyDatabase(): Promise<pg.Pool> {
  const pool = await openPool({ uri: await postgres().emptyDatabase() });
  onTestFinished(() => pool.end());
  return pool;
}

test('a new database gets every migration, and a second call does nothing', async () => {
  const pool = await emptyDatabase();
  const ran = await migrate(pool);
  expect(ran[0]).toBe('0001_catalog.sql');
  expect(await migrate(pool)).toEqual([]);
  const { rows } = await pool.query<{ name: string }>('select name from schema_migrations order by name');
  expect(rows.map((row) => row.name)).toEqual(ran);
});

test('a crash of the database empties no table', async () => {
  const pool = await emptyDatabase();
  await migrate(pool);
  const { rows } = await pool.query(`select relname from pg_class where relpersistence <> 'p'`);
  expect(rows).toEqual([]);
});

test('two processes that migrate at the same moment make one schema', async () => {
  const pool = await emptyDatabase();
  const ran = await Promise.all([migrate(pool), migrate(pool), migrate(pool)]);
  expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
});

test('a migration that reads differently than when it ran is refused', async () => {
  const pool = await emptyDatabase();
  await migrate(pool);
  await pool.query(`update schema_migrations set sha256 = repeat('0', 64)`);
  await expect(migrate(pool)).rejects.toSatisfy((error) => isFailure(error, 'schema_unknown'));
});

test('a migration of a newer release is refused, and named', async () => {
  const pool = await emptyDatabase();
  await migrate(pool);
  await pool.query(`insert into schema_migrations (name, sha256) values ('9999_later.sql', '')`);
  await expect(migrate(pool)).rejects.toThrow('9999_later.sql');
});

test('a migration that fails leaves nothing of itself behind, and its lock is free', async () => {
  const pool = await emptyDatabase();
  // The second table of the migration exists already, so the migration fails after its first one.
  await pool.query('create table sources (id text)');
  await expect(migrate(pool)).rejects.toThrow('already exists');
  const { rows } = await pool.query(
    `select to_regclass('run_log') as first, count(*) from schema_migrations`,
  );
  expect(rows).toEqual([{ first: null, count: 0 }]);
  await pool.query('drop table sources');
  expect(await migrate(pool)).toContain('0001_catalog.sql');
});

test("the writer's password is set so that it can log in, whatever characters it holds", async () => {
  const pool = await emptyDatabase();
  await migrate(pool, `it's "quoted" \\ $1`);
  const { rows } = await pool.query<{ rolcanlogin: boolean }>(
    `select rolcanlogin from pg_roles where rolname = 'holdfast_writer'`,
  );
  expect(rows).toEqual([{ rolcanlogin: true }]);
});
