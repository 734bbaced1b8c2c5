import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
let writer: pg.Client;
let owner: pg.Client;

beforeAll(async () => {
  const { ownerUri, writerUri } = await postgres().database();
  writer = new pg.Client(writerUri);
  owner = new pg.Client(ownerUri);
  await Promise.all([writer.connect(), owner.connect()]);
  await owner.query(
    `insert into audit_events (id, leaf, event, at) values ('kept', decode(repeat('00', 32), 'hex'), '{}', now())`,
  );
});

afterAll(async () => {
  await Promise.all([writer.end(), owner.end()]);
});

const insufficientPrivilege = '42501';

/** The SQLSTATE that the role the program runs as gets; undefined when it may. */
async function refusal(sql: string): Promise<string | undefined> {
  await writer.query('begin');
  try {
    await writer.query(sql);
    return undefined;
  } catch (error) {
    return (error as pg.DatabaseError).code;
  } finally {
    await writer.query('rollback');
  }
}

describe('the role the program runs as', () => {
  test.each([
    `update audit_events set event = '{}'`,
    `update audit_events set at = now()`,
    `delete from audit_events`,
    `truncate audit_events`,
    `truncate audit_events cascade`,
    `drop table audit_events`,
    `alter table audit_events rename to other`,
    `create trigger t before insert on audit_events for each row execute function suppress_redundant_updates_trigger()`,
    `grant update on audit_events to holdfast_writer; update audit_events set event = '{}'`,
    `set role test_owner`,
    `create table public.mine (id text)`,
    `drop schema public cascade`,
    `select pg_read_file('/etc/passwd')`,
    `copy audit_events to program 'true'`,
    `create role other superuser`,
  ])('may not: %s', async (sql) => {
    expect(await refusal(sql)).toBe(insufficientPrivilege);
  });

  test.each([
    'decisions',
    'evidence',
    'scans',
    'contents',
    'sealings',
    'file_status',
    'quarantine',
    'quarantine_copies',
    'quarantine_ends',
    'keys',
    'audit_heads',
    'audit_anchors',
  ])('may not change or remove a row of %s, which is evidence', async (table) => {
    const { rows } = await owner.query<{ column_name: string }>(
      `select column_name from information_schema.columns where table_name = $1 limit 1`,
      [table],
    );
    const column = rows[0]?.column_name;
    expect(await refusal(`update ${table} set ${column} = ${column}`)).toBe(insufficientPrivilege);
    expect(await refusal(`delete from ${table}`)).toBe(insufficientPrivilege);
  });

  test.each(['versions', 'objects', 'placements', 'intents', 'entries', 'holds', 'run_log', 'sources'])(
    'may not remove a row of %s',
    async (table) => {
      expect(await refusal(`delete from ${table}`)).toBe(insufficientPrivilege);
    },
  );

  test('can add to the audit trail and read it', async () => {
    expect(
      await refusal(
        `insert into audit_events (id, leaf, event, at) values ('new', decode(repeat('00', 32), 'hex'), '{}', now())`,
      ),
    ).toBeUndefined();
    expect(await refusal('select * from audit_events')).toBeUndefined();
  });

  test('an event that is there is not replaced by another under its id', async () => {
    expect(
      await refusal(
        `insert into audit_events (id, leaf, event, at) values ('kept', decode(repeat('11', 32), 'hex'), '{}', now())
         on conflict (id) do update set leaf = excluded.leaf`,
      ),
    ).toBe(insufficientPrivilege);
  });
});

test('the reader can only read', async () => {
  await owner.query('grant holdfast_reader to holdfast_writer');
  await writer.query('set role holdfast_reader');
  try {
    expect(await refusal('select count(*) from audit_events')).toBeUndefined();
    expect(await refusal(`insert into run_log (id, kind, host_id, actor) values ('r', 'k', 'h', 'a')`)).toBe(
      insufficientPrivilege,
    );
  } finally {
    await writer.query('reset role');
  }
});
