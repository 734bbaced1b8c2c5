import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import {
  admitHost,
  allSources,
  expelHost,
  hostRows,
  servedElsewhere,
  tellOfHost,
} from '../../src/catalog/host-query.ts';
import { requireSchema } from '../../src/catalog/migrate.ts';
import { ClusterSemaphore } from '../../src/hosts/cluster-semaphore.ts';
import { leftBehind } from '../../src/hosts/revoke-host.ts';
import { hostWarnings } from '../../src/hosts/standing.ts';
import { Busy } from '../../src/pipeline/semaphore.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
let uri: string;
let owner: pg.Pool;
let catalog: Catalog;
const id = (letter: string): string => letter.repeat(32);
const [first, second] = [id('1'), id('2')];

beforeAll(async () => {
  const { ownerUri, writerUri } = await postgres().database();
  uri = writerUri;
  owner = await openPool({ uri: ownerUri });
  catalog = new Catalog(await openPool({ uri: writerUri }));
  for (const [letter, name] of [
    ['a', 'town'],
    ['b', 'port'],
    ['c', 'shared'],
  ] as const)
    await catalog.recordSource({
      ...{ id: id(letter), name, rootPath: Buffer.from(`/${name}`), device: 1n, inode: 1n, hostId: first },
    });
});

afterAll(async () => {
  await catalog?.close();
  await owner?.end();
});

const told = (hostId: string, group: string, sources: Readonly<Record<string, string>>, rules = 'ff') =>
  tellOfHost(catalog, {
    ...{ id: hostId, name: 'machine', group, rulesRevision: rules },
    sources: Object.entries(sources).map(([letter, own]) => ({ id: id(letter), group: own })),
  });

test('hosts tell of themselves: the same again changes nothing, a name that is taken is told apart', async () => {
  await told(first, first, { a: first, c: 'file-server' });
  await told(first, first, { a: first, c: 'file-server' });
  await told(second, second, { b: second, c: 'file-server' });
  const rows = await hostRows(catalog);
  expect(rows.map(({ name, sources }) => [name, sources.map((source) => source.name)])).toEqual([
    ['machine', ['shared', 'town']],
    [`machine-${second.slice(0, 8)}`, ['port', 'shared']],
  ]);
  await told(second, second, { c: 'file-server' });
  expect((await allSources(catalog)).filter(({ served }) => !served)).toMatchObject([{ name: 'port' }]);
});

test('a source of the same name in another group is somebody else’s; in the same group it is one tree', async () => {
  expect(await servedElsewhere(catalog, { id: id('a'), group: second }, second)).toBe('machine');
  expect(await servedElsewhere(catalog, { id: id('c'), group: 'file-server' }, second)).toBeUndefined();
  expect(await servedElsewhere(catalog, { id: id('a'), group: 'moved' }, first)).toBeUndefined();
});

test('hosts that judge by other rules, or are silent, are told of', async () => {
  const now = new Date();
  expect(hostWarnings(await hostRows(catalog), now)).toEqual([]);
  await told(second, second, { b: second, c: 'file-server' }, '00');
  expect(hostWarnings(await hostRows(catalog), now)).toEqual([expect.stringMatching(/different policies/)]);
  const later = new Date(now.getTime() + 3_600_000);
  expect(hostWarnings(await hostRows(catalog), later)).toHaveLength(2);
});

test('a host that was let in works as the program’s role; let out, its open sessions may do nothing and end', async () => {
  const third = id('3');
  const role = { databaseRole: 'holdfast_host_test', password: `it's "own"` };
  await admitHost(owner, { id: third, name: 'third', group: third, addedBy: 'someone', ...role });
  const own = uri.replace('holdfast_writer', role.databaseRole);
  const client = new pg.Client(own);
  client.on('error', () => {});
  await client.connect();
  await client.query(`insert into run_log (id, kind, host_id, actor) values ('r', 'k', $1, 'a')`, [third]);
  const asItself = new Catalog(await openPool({ uri: own, maxConnections: 1 }));
  await tellOfHost(asItself, {
    id: third,
    name: 'x',
    group: third,
    rulesRevision: null,
    sources: [{ id: id('b'), group: third }],
  });
  const [before] = (await hostRows(catalog)).filter((row) => row.id === third);
  expect(before).toMatchObject({ name: 'third', revokedAt: null, sources: [{ name: 'port' }] });
  if (before === undefined) return;

  await expelHost(owner, before, 'someone');
  await expelHost(owner, before, 'someone else');
  await expect(client.query('select 1 from entries')).rejects.toThrow();
  await expect(new pg.Client(own).connect()).rejects.toThrow(/not permitted to log in/);
  await expect(asItself.ping()).rejects.toMatchObject({ code: expect.stringMatching(/^catalog_un/) });
  await asItself.close();
  const after = (await hostRows(catalog)).at(-1);
  expect(after).toMatchObject({ name: 'third' });
  expect(after?.revokedAt).not.toBeNull();
  // Whoever still tells of it does not bring it back.
  await tellOfHost(catalog, { id: third, name: 'x', group: 'y', rulesRevision: 'z', sources: [] });
  expect((await hostRows(catalog)).at(-1)).toEqual(after);
});

test('the rights go first: what a session has under way when its host is let out fails', async () => {
  const fourth = id('4');
  const role = { databaseRole: 'holdfast_host_fourth', password: 'own' };
  await admitHost(owner, { id: fourth, name: 'fourth', group: fourth, addedBy: 'someone', ...role });
  const client = new pg.Client(uri.replace('holdfast_writer', role.databaseRole));
  client.on('error', () => {});
  await client.connect();
  await client.query('begin');
  await client.query(`insert into run_log (id, kind, host_id, actor) values ('open', 'k', $1, 'a')`, [
    fourth,
  ]);
  await expelHost(owner, { id: fourth, databaseRole: role.databaseRole }, 'someone');
  await expect(client.query('commit')).rejects.toThrow();
  expect(await catalog.rows(`select 1 from run_log where id = 'open'`)).toEqual([]);
});

test.each([
  `update hosts set revoked_at = null`,
  `update hosts set database_role = 'postgres'`,
  `delete from hosts`,
  `insert into hosts (id, name, files_group, added_by, database_role) values ('5', 'five', 'g', 'me', 'postgres')`,
])('the program’s role may not: %s', async (sql) => {
  await expect(catalog.rows(sql)).rejects.toMatchObject({ code: '42501' });
});

test('of a lost host’s sources those are named that nobody else serves, and the queues that nobody polls', async () => {
  const host = (await hostRows(catalog)).find((row) => row.id === second);
  if (host === undefined) throw new Error('not there');
  const left = await leftBehind(catalog, host);
  expect(left.orphaned.map(({ name }) => name)).toEqual(['port']);
  expect(left.shared.map(({ name }) => name)).toEqual(['shared']);
  expect(left.deadQueues).toEqual([`host.${second}`, `files.${second}`]);
});

test('two hosts never count what is gone at the same time; who waits too long is told so', async () => {
  const other = new Catalog(await openPool({ uri, maxConnections: 2 }));
  const places = [catalog, other].map((each) => new ClusterSemaphore(each, 1_234));
  let inside = 0;
  let most = 0;
  const work = async (): Promise<number> => {
    most = Math.max(most, ++inside);
    await sleep(20);
    return --inside;
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => places[i % 2]?.run(work, 10_000)));
  expect(most).toBe(1);
  const [here, there] = places;
  const long = here?.run(() => sleep(400), 1_000);
  await sleep(50);
  await expect(there?.run(work, 100)).rejects.toBeInstanceOf(Busy);
  await long;
  await other.close();
});

test('a host that may not change the schema asks whether it is its own', async () => {
  const pool = await openPool({ uri, maxConnections: 1 });
  await requireSchema(pool);
  await owner.query(`update schema_migrations set sha256 = 'older' where name = '0023_hosts.sql'`);
  await expect(requireSchema(pool)).rejects.toMatchObject({ code: 'schema_behind' });
  await pool.end();
});
