import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config.ts';
import { gatePorts, joinedHost } from '../support/hosts.ts';
import { isEmbedded, TestInstallation, until } from '../support/installation.ts';

/** Two hosts, one cluster: the second one reaches it through the gate, at another address of this machine. */
const address = '127.0.0.2';
let cluster: TestInstallation;
let second: TestInstallation;
let shared: string;

beforeAll(async () => {
  shared = mkdtempSync(path.join(tmpdir(), 'holdfast-shared-'));
  const ports = await gatePorts(address);
  const grouped = (config: ConfigFile) => {
    for (const source of config.sources) if (source.name === 'shared') source.group = 'file-server';
  };
  cluster = await TestInstallation.start(
    {
      sources: { town: undefined, shared },
      configure: (config) => {
        config.listen = { address, ports };
        grouped(config);
      },
    },
    '--no-watch',
  );
  second = await joinedHost(cluster, 'second', { sources: { port: undefined, shared }, configure: grouped });
  await second.up('--no-watch');
});

afterAll(async () => {
  await second?.remove();
  await cluster?.remove();
  rmSync(shared, { recursive: true, force: true });
}, 120_000);

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly revoked: boolean;
  readonly sources: readonly { readonly name: string; readonly group: string }[];
}

const listed = async (): Promise<Listed[]> =>
  (await cluster.run('host', 'list', '--json')).rows as unknown as Listed[];

test('a host that was added protects its sources in the cluster, and shares one with the other', async () => {
  expect(statSync(path.join(cluster.folder, 'second.json')).mode & 0o777).toBe(0o600);
  expect(readFileSync(path.join(cluster.folder, 'second.json'), 'utf8')).not.toContain('five plain random');
  expect(Object.keys(await second.services()).sort()).toEqual(['clamd', 'opa', 'worker']);

  cluster.write('town', 'mayor.txt', 'kept by the first');
  second.write('port', 'ships.txt', 'kept by the second');
  mkdirSync(path.join(shared, 'common'));
  for (let i = 0; i < 40; i++) writeFileSync(path.join(shared, 'common', `${i}.txt`), `of both ${i}`);
  const [town, port, both] = await Promise.all([
    cluster.protect(cluster.path('town')),
    second.protect(second.path('port')),
    second.run('sweep', 'shared', '--wait', '--json'),
  ]);
  expect(town).toMatchObject({ code: 0, rows: [{ path: 'mayor.txt', outcome: 'uploaded' }] });
  expect(port).toMatchObject({ code: 0, rows: [{ path: 'ships.txt', outcome: 'uploaded' }] });
  expect(both.rows).toMatchObject([{ result: 'complete', totals: { uploaded: 41, failed: 0 } }]);

  const hosts = await listed();
  expect(hosts.map(({ sources }) => sources)).toMatchObject([
    [{ name: 'shared', group: 'file-server' }, { name: 'town' }],
    [{ name: 'port' }, { name: 'shared', group: 'file-server' }],
  ]);
  expect(hosts[1]).toMatchObject({ name: 'second', revoked: false });
  // Each has the work of its own sources to itself.
  const runs = await cluster.query<{ host_id: string; name: string }>(
    `select distinct event ->> 'host' as host_id, s.name from audit_events a
     join sources s on s.id = a.event ->> 'source' where a.event ->> 'step' = 'commit' and s.name <> 'shared' order by s.name`,
  );
  expect(runs).toEqual([
    { host_id: hosts[1]?.id, name: 'port' },
    { host_id: hosts[0]?.id, name: 'town' },
  ]);
  // Their bundles name other sources, and say the same of the one they share: whoever sweeps it, nothing is judged anew.
  for (let i = 0; i < 3; i++)
    expect(await second.run('sweep', 'shared', '--wait', '--json')).toMatchObject({
      rows: [{ result: 'complete', totals: { seen: 41, unchanged: 41 } }],
    });
  const [told] = await cluster.query<{ revisions: number; terms: number; admissions: number; files: number }>(
    `select (select count(distinct revision)::int from policy_terms where source_id = s.id) as revisions,
       (select count(distinct terms)::int from policy_terms where source_id = s.id) as terms,
       (select count(*)::int from decisions d join versions v on v.id = d.version_id join entries e on e.id = v.entry_id
        where e.source_id = s.id and d.gate = 'admission') as admissions,
       (select count(*)::int from versions v join entries e on e.id = v.entry_id
        where e.source_id = s.id and v.kind = 'file') as files
     from sources s where s.name = 'shared'`,
  );
  expect(told).toEqual({ revisions: 2, terms: 1, admissions: 40, files: 40 });
  const to = path.join(cluster.folder, 'restored');
  expect(await cluster.run('restore', 'port', '--to', to)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(to, 'port', 'ships.txt'), 'utf8')).toBe('kept by the second');
}, 240_000);

test('what only the machine of the cluster may do is refused elsewhere, and a source name is served once', async () => {
  const refused = await second.run(
    'host',
    'add',
    'third',
    '--output',
    path.join(second.folder, 'third.json'),
  );
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain('joined a cluster');
  const [row] = await cluster.query<{ grants: number }>(
    `select count(*)::int as grants from pg_roles where rolname like 'holdfast_host_%' and (rolsuper or rolcreaterole or rolcreatedb)`,
  );
  expect(row?.grants).toBe(0);
});

test('a revoked host, still running, writes nothing: not to Postgres, not to the bucket, not through the gate', async () => {
  const services = second.config().services;
  if (services?.postgres?.mode !== 'external' || services.s3?.mode !== 'external')
    throw new Error('not joined');
  const read = (file = ''): string => readFileSync(file, 'utf8').trim();
  const tls = {
    ca: read(services.postgres.caFile),
    cert: read(services.postgres.certFile),
    key: read(services.postgres.keyFile),
  };
  const uri = read(services.postgres.writerUriFile);
  const { postgres, s3 } = await cluster.services();
  const direct = new URL(uri);
  direct.host = String(postgres?.address);
  const through = () => connected({ connectionString: uri, ssl: { ...tls, servername: 'holdfast' } });
  const around = () => connected({ connectionString: direct.href });
  const { bucket } = await cluster.service('s3');
  const { client } = second.s3Client(
    String(s3?.address),
    String(services.s3.credentialsFile),
    'us-east-1',
    String(bucket),
  );
  const put = (Key: string) =>
    client.send(new PutObjectCommand({ Bucket: String(bucket), Key, Body: 'mine' }));

  // As long as it is in, all of this works.
  const open = await through();
  await open.query('insert into reservations values ($1, $2, $3, $4, $5, now())', ['a', 'b', 'c', 'd', 'e']);
  await (await around()).end();
  await put('objects/before');

  expect(await cluster.run('host', 'revoke', 'nobody')).toMatchObject({ code: 2 });
  const dry = await cluster.run('host', 'revoke', 'second', '--json');
  expect(dry.rows).toMatchObject([{ dryRun: true, orphaned: ['port'], shared: ['shared'] }]);
  await open.query('select 1');
  const door = connect({
    host: address,
    port: cluster.config().listen?.ports?.s3,
    ...tls,
    servername: 'holdfast',
  });
  await once(door, 'secureConnect');
  const closed = once(door, 'close').then(() => 'closed');
  expect(await cluster.run('host', 'revoke', 'second', '--yes')).toMatchObject({ code: 0 });
  // Not a second later: whoever revoked it may rely on it.
  expect(await Promise.race([closed, sleep(200, 'open')])).toBe('closed');
  const [, revoked] = await listed();
  expect(revoked).toMatchObject({ name: 'second', revoked: true });

  await expect(open.query('delete from reservations')).rejects.toThrow();
  await expect(around()).rejects.toThrow(/not permitted to log in/);
  await expect(through()).rejects.toThrow();
  await expect(put('objects/after')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  expect((await second.run('files', 'port')).code).toBe(5);

  // Its worker goes on trying: nothing of it arrives.
  const count = async () =>
    (
      await cluster.query<{ n: number }>(
        `select (select count(*) from entries) + (select count(*) from audit_events where event ->> 'host' = $1) as n`,
        [revoked?.id],
      )
    )[0]?.n;
  const before = await count();
  second.write('port', 'late.txt', 'too late');
  await sleep(2_000);
  expect((await second.service('worker')).pid).toBeGreaterThan(0);
  expect(await count()).toBe(before);

  // A Temporal server of somebody else's goes on giving it tasks of what they share, until it is told there or the host is off.
  if (!isEmbedded('temporal')) await second.down();
  // The other one is not disturbed, and goes on with what they shared.
  writeFileSync(path.join(shared, 'common', 'new.txt'), 'after the revocation');
  cluster.write('town', 'new.txt', 'after the revocation');
  expect(await cluster.protect(cluster.path('town'), shared)).toMatchObject({ code: 0 });
  const after = await cluster.run('sweep', 'shared', '--wait', '--json');
  expect(after.rows).toMatchObject([{ result: 'complete', totals: { seen: 42, failed: 0 } }]);
  const audited = await cluster.query<{ action: string }>(
    `select event -> 'facts' ->> 'action' as action from audit_events where event -> 'facts' ? 'action' and event ->> 'step' = 'configuration' order by number`,
  );
  expect(audited.map(({ action }) => action)).toEqual(['host-add', 'host-revoke']);
}, 240_000);

test('who shows no certificate that is known gets through no door', async () => {
  const ports = cluster.config().listen?.ports ?? {};
  const uri = `postgresql://holdfast_writer@${address}:${ports.postgres}/holdfast`;
  await expect(connected({ connectionString: uri, ssl: { rejectUnauthorized: false } })).rejects.toThrow();
  await expect(connected({ connectionString: uri })).rejects.toThrow();
  await expect(fetch(`http://${address}:${ports.s3}/health`)).rejects.toThrow();
  await until('the gate to have noted it', () =>
    readFileSync(path.join(cluster.home, 'logs', 'gate.log'), 'utf8').includes('somebody unknown'),
  );
});

async function connected(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}
