import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { FileRow } from '../../src/cli/rows.ts';
import type { ConfigFile } from '../../src/config.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { eicar } from '../support/eicar.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { LokiReceiver } from '../support/loki-receiver.ts';
import { MarkerSearch } from '../support/marker-search.ts';
import { makeCertificates, tlsProxy } from '../support/tls.ts';

/**
 * An installation that runs nothing but its own worker: Temporal, Postgres and S3 are reached over TLS under an authority
 * of their own, OPA and clamd through their sockets. Somebody else runs them all. It is set up as in docker-compose.yml: from
 * the same settings, with other addresses, on a database that the same statements made.
 */
const serverName = 'services.test';
let provider: TestInstallation;
let installation: TestInstallation;
let proxies: Awaited<ReturnType<typeof tlsProxy>>[] = [];
const loki = new LokiReceiver();
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-external-'));

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
  const settings = parse(
    readFileSync(path.join(projectRoot, 'ops/compose/holdfast.yaml'), 'utf8'),
  ) as ConfigFile;
  const { services } = settings;
  if (services?.temporal?.mode !== 'external' || services.postgres?.mode !== 'external') throw new Error();
  if (services.s3?.mode !== 'external' || services.opa?.mode !== 'external') throw new Error();
  if (services.clamd?.mode !== 'external') throw new Error();
  // The networks are not those of the containers: encrypted here, and at other addresses.
  for (const service of [services.temporal, services.postgres, services.s3]) delete service.insecure;
  Object.assign(services.temporal, {
    ...{ address: proxies[0]?.address, namespace: temporal.namespace, tls: { caFile, serverName } },
  });
  Object.assign(services.postgres, {
    ...{ ownerUriFile: uriFile('outside_owner'), writerUriFile: uriFile('holdfast_writer'), caFile },
  });
  Object.assign(services.s3, {
    ...{ endpoint: `https://${proxies[1]?.address}`, credentialsFile: s3?.credentialsFile, caFile },
  });
  services.opa.socket = opa?.address ?? '';
  services.clamd = { ...services.clamd, socket: clamd?.address ?? '', signatureSet: 'builtin-test' };
  delete settings.passwordFile;
  delete settings.metrics;
  settings.logs = { level: 'debug', loki: { url: await loki.open() } };
  const settingsFile = path.join(scratch, 'settings.yaml');
  writeFileSync(settingsFile, stringify(settings));
  installation = await TestInstallation.create({
    sources: { docs: undefined },
    init: ['--settings', settingsFile, '--quarantine', 'copy'],
  });
}, 180_000);

afterAll(async () => {
  await installation?.remove();
  for (const proxy of proxies) proxy.close();
  await loki.close();
  await provider?.remove();
  rmSync(scratch, { recursive: true });
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
    ...composeStatements(),
  ])
    await client.query(statement);
  await client.end();
}

/** What ops/compose/postgres-init.sh has Postgres do, with one password for all and other names than the provider's. */
function composeStatements(): string[] {
  const script = readFileSync(path.join(projectRoot, 'ops/compose/postgres-init.sh'), 'utf8');
  const [, sql = ''] = /<< 'SQL'\n([\s\S]*?)SQL\n/.exec(script) ?? [];
  return sql
    .replaceAll(/^--.*$/gm, '')
    .replaceAll(/:'(owner|writer|temporal)'/g, `'${password}'`)
    .replaceAll('database holdfast', 'database outside')
    .replaceAll('holdfast_owner', 'outside_owner')
    .split(';')
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/** Part of every name, so that no log may hold it. */
const mark = 'q7z3-marker';
const shown: string[] = [];
const lines = () =>
  shown
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
let agent: ChildProcess;
let uploaded: FileRow | undefined;

test('up in the foreground, protect, files, restore and status work on services that somebody else runs, over TLS', async () => {
  agent = spawn(process.execPath, [path.join(projectRoot, 'bin/holdfast.mjs'), 'up', '--foreground'], {
    env: installation.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  agent.stdout?.setEncoding('utf8').on('data', (text: string) => shown.push(text));
  await until('all is up', async () => lines().some(({ msg }) => msg === 'all services are healthy'), 60_000);
  expect(Object.keys(await installation.services())).toEqual(['worker', 'watcher']);

  const [small, large, infected] = [`${mark}/${mark}.txt`, `${mark}.bin`, `${mark}/${mark}.com`];
  installation.write('docs', small, 'over TLS');
  installation.write('docs', large, Buffer.alloc(10 * 1024 * 1024, 'large'));
  installation.write('docs', infected, eicar);
  symlinkSync(`../${mark}-elsewhere`, installation.path('docs', mark, `link-${mark}`));
  const { code, byPath } = await installation.protect(installation.path('docs'));
  expect(code).toBe(0);
  expect([small, large, infected].map((name) => byPath.get(name)?.outcome)).toEqual([
    ...['uploaded', 'uploaded', 'quarantined'],
  ]);
  uploaded = byPath.get(small);

  const to = path.join(installation.folder, 'restored');
  expect(await installation.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(to, 'docs', small), 'utf8')).toBe('over TLS');
  expect(readFileSync(path.join(to, 'docs', large)).equals(Buffer.alloc(10 * 1024 * 1024, 'large'))).toBe(
    true,
  );
  expect(await installation.run('status')).toMatchObject({ code: 0 });

  const connections = await installation.query<{ encrypted: boolean }>(
    `select distinct ssl as encrypted from pg_stat_ssl join pg_stat_activity using (pid) where datname = 'outside'`,
  );
  expect(connections).toEqual([{ encrypted: true }]);
  for (const proxy of proxies) expect(proxy.connections()).toBeGreaterThan(0);
}, 120_000);

test('told to end it ends in order; all that it showed was shipped, by id and without any name', async () => {
  const ended = once(agent, 'exit');
  agent.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await installation.run('status')).toMatchObject({ code: 5 });

  const shipped = loki.lines.map(({ text }) => JSON.parse(text));
  expect(lines().length).toBeGreaterThan(10);
  for (const line of lines()) expect(shipped).toContainEqual(line);
  for (const { labels } of loki.lines)
    expect(Object.keys(labels).sort()).toEqual(['host', 'level', 'service']);
  const services = new Set(loki.lines.map(({ labels }) => labels.service));
  expect([...services].sort()).toEqual(['supervisor', 'watcher', 'worker']);

  const steps = shipped.filter(({ version, msg }) => version === uploaded?.versionId && msg === 'step done');
  expect(new Set(steps.map(({ step }) => step))).toEqual(
    new Set(['fingerprint', 'admit', 'scan', 'sealAndUpload']),
  );
  const id = expect.stringMatching(/^[0-9a-f]{32}$/);
  for (const step of steps)
    expect(step).toMatchObject({
      ...{ run: id, entry: id, workflow: `protect:${step.entry}` },
      ...{ outcome: expect.any(String), durationMs: expect.any(Number) },
    });

  const search = new MarkerSearch({ name: [mark], folder: [path.basename(installation.folder)] });
  expect(search.inPlain(Buffer.from(JSON.stringify(shipped)))).toEqual(new Set());
}, 60_000);

test('a server whose certificate another authority signed is not talked to', async () => {
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
    const { code, stderr } = await installation.run('up', '-d', '--no-watch');
    expect(code, `${service}: ${stderr}`).toBe(5);
  }
}, 120_000);
