import { chownSync, copyFileSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';
import { makeCertificates, tlsProxy } from '../support/tls.ts';

/**
 * An installation that runs nothing but its own worker: Temporal, Postgres and S3 are reached over TLS under an authority
 * of their own, OPA and clamd through their sockets. Somebody else runs them all.
 */
const serverName = 'services.test';
let provider: TestInstallation;
let installation: TestInstallation;
let proxies: Awaited<ReturnType<typeof tlsProxy>>[] = [];

beforeAll(async () => {
  provider = await TestInstallation.start(
    { sources: { docs: undefined } },
    '--only',
    'temporal,postgres,opa,s3,clamd',
  );
  const { postgres, opa, s3, clamd } = await provider.services();
  const temporal = await provider.temporal();
  const certificates = makeCertificates(provider.folder, serverName);
  await serveTls(String(postgres?.socketDir), postgres?.address ?? '', certificates);
  proxies = [
    await tlsProxy(temporal.address, certificates, 'h2'),
    await tlsProxy(new URL(s3?.address ?? '').host, certificates, 'http/1.1'),
  ];
  const { caFile } = certificates;
  const uriFile = (user: string): string => {
    const file = path.join(provider.folder, `${user}.uri`);
    writeFileSync(file, `postgresql://${user}:${password}@${postgres?.address}/outside\n`, { mode: 0o600 });
    return file;
  };
  installation = await TestInstallation.create({
    sources: { docs: undefined },
    configure: (config) => {
      config.services = {
        temporal: {
          mode: 'external',
          address: proxies[0]?.address ?? '',
          namespace: temporal.namespace,
          tls: { caFile, serverName },
        },
        postgres: {
          mode: 'external',
          ownerUriFile: uriFile('outside_owner'),
          writerUriFile: uriFile('holdfast_writer'),
          caFile,
        },
        s3: {
          mode: 'external',
          endpoint: `https://${proxies[1]?.address}`,
          pathStyle: true,
          credentialsFile: String(s3?.credentialsFile),
          caFile,
        },
        opa: { mode: 'external', socket: opa?.address ?? '' },
        clamd: { mode: 'external', socket: clamd?.address ?? '', signatureSet: 'builtin-test' },
      };
    },
  });
}, 180_000);

afterAll(async () => {
  await installation?.remove();
  for (const proxy of proxies) proxy.close();
  await provider?.remove();
}, 120_000);

const password = 'made-for-this-test';

/** Gives the server a certificate, and the installation its database and roles. */
async function serveTls(
  socketDir: string,
  address: string,
  { certFile, keyFile }: { certFile: string; keyFile: string },
) {
  // Where it really lies: Postgres' own user may not be able to pass through the state folder.
  const data = realpathSync(path.join(provider.home, 'data', 'postgres'));
  const { uid, gid } = statSync(data);
  for (const [from, to] of [
    [certFile, 'server.pem'],
    [keyFile, 'server.key'],
  ] as const) {
    copyFileSync(from, path.join(data, to));
    chownSync(path.join(data, to), uid, gid);
  }
  const client = new pg.Client({
    host: socketDir,
    port: Number(address.split(':')[1]),
    user: 'postgres',
    password: readFileSync(path.join(provider.home, 'secrets', 'postgres-superuser'), 'utf8').trim(),
    database: 'postgres',
  });
  await client.connect();
  for (const statement of [
    `alter system set ssl_cert_file = '${data}/server.pem'`,
    `alter system set ssl_key_file = '${data}/server.key'`,
    'alter system set ssl = on',
    'select pg_reload_conf()',
    `create role outside_owner login createrole password '${password}'`,
    `create role holdfast_writer login password '${password}'`,
    'create database outside owner outside_owner',
  ])
    await client.query(statement);
  await client.end();
}

test('up, protect, files, restore and status work on services that somebody else runs, over TLS', async () => {
  await installation.up('--no-watch');
  expect(Object.keys(await installation.services())).toEqual(['worker']);

  installation.write('docs', 'small.txt', 'over TLS');
  const large = Buffer.alloc(10 * 1024 * 1024, 'large');
  installation.write('docs', 'large.bin', large);
  const { code, byPath } = await installation.protect(installation.path('docs'));
  expect(code).toBe(0);
  expect(byPath.get('small.txt')).toMatchObject({ outcome: 'uploaded' });
  expect(byPath.get('large.bin')).toMatchObject({ outcome: 'uploaded' });

  const to = path.join(installation.folder, 'restored');
  expect(await installation.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(to, 'docs', 'small.txt'), 'utf8')).toBe('over TLS');
  expect(readFileSync(path.join(to, 'docs', 'large.bin')).equals(large)).toBe(true);
  expect(await installation.run('status')).toMatchObject({ code: 0 });

  const connections = await installation.query<{ encrypted: boolean }>(
    `select distinct ssl as encrypted from pg_stat_ssl join pg_stat_activity using (pid) where datname = 'outside'`,
  );
  expect(connections).toEqual([{ encrypted: true }]);
  for (const proxy of proxies) expect(proxy.connections()).toBeGreaterThan(0);
}, 120_000);

test('a server whose certificate another authority signed is not talked to', async () => {
  await installation.down();
  const other = makeCertificates(installation.folder, serverName);
  const before = installation.config();
  for (const service of ['temporal', 'postgres', 's3'] as const) {
    installation.configure((config) => {
      config.services = structuredClone(before.services ?? {});
      const { temporal, postgres, s3 } = config.services;
      if (service === 'temporal' && temporal?.mode === 'external')
        temporal.tls = { caFile: other.caFile, serverName };
      if (service === 'postgres' && postgres?.mode === 'external') postgres.caFile = other.caFile;
      if (service === 's3' && s3?.mode === 'external') s3.caFile = other.caFile;
    });
    expect(await installation.run('up', '-d', '--no-watch'), service).toMatchObject({ code: 5 });
  }
}, 120_000);
