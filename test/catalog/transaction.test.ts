import { expect, onTestFinished, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();

const newCatalog = async (uri?: string): Promise<Catalog> => {
  const catalog = new Catalog(await openPool({ uri: uri ?? (await server().database()).writerUri }));
  onTestFinished(() => catalog.close());
  return catalog;
};

test('a transaction that fails has let go of its locks when its error is known', async () => {
  const { writerUri } = await server().database();
  const [catalog, other] = [await newCatalog(writerUri), await newCatalog(writerUri)];
  const cutOff = catalog.withLock(
    7,
    async (rows) => {
      // What the server is still at when the connection is given back.
      rows('select pg_sleep(0.2)', []).catch(() => {});
      throw new Error('cut off');
    },
    undefined,
  );
  await expect(cutOff).rejects.toThrow('cut off');
  expect(await other.withLock(7, async () => 'mine', 'somebody else has it')).toBe('mine');
});

test('a transaction that fails leaves nothing, and its connection to others', async () => {
  const catalog = await newCatalog();
  const backend = async (): Promise<unknown> => catalog.rows('select pg_backend_pid() as pid');
  const before = await backend();
  const failed = catalog.transaction(async (rows) => {
    await rows(
      `insert into keys (id, purpose, generation, object_key) values ('lost', 'content', 0, 'lost')`,
      [],
    );
    await rows('select 1 / 0', []);
  });
  await expect(failed).rejects.toMatchObject({ code: '22012' });
  expect(await catalog.rows(`select 1 from keys where id = 'lost'`)).toEqual([]);
  expect(await backend()).toEqual(before);
});

test('a connection that was lost in the middle is not given to anybody', async () => {
  const catalog = await newCatalog();
  const lost = catalog.transaction(async (rows) => {
    await rows('select pg_terminate_backend(pg_backend_pid())', []);
  });
  await expect(lost).rejects.toMatchObject({ code: 'catalog_unavailable' });
  await catalog.ping();
});
