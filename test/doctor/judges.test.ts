import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { DatabaseStanding } from '../../src/catalog/doctor-query.ts';
import { parseConfig } from '../../src/config.ts';
import { judgeBucket } from '../../src/doctor/buckets.ts';
import type { Finding, Patient } from '../../src/doctor/check.ts';
import { judgeDatabase } from '../../src/doctor/database.ts';
import { judgeLimits, judgeMemory } from '../../src/doctor/limits.ts';
import { isAtLeast } from '../../src/doctor/opa.ts';
import { permissions } from '../../src/doctor/permissions.ts';
import { judgeSettings } from '../../src/doctor/settings.ts';
import { judgeNamespace } from '../../src/doctor/temporal.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const config = (changes: Record<string, unknown> = {}) =>
  parseConfig(
    JSON.stringify({
      version: 1,
      repository: 'd'.repeat(32),
      host: { id: 'b'.repeat(32) },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      ...changes,
    }),
    'holdfast.yaml',
  );
const whats = (findings: readonly Finding[]) => findings.map(({ state, what }) => `${state} ${what}`);

const bucket = {
  ...{ jurisdiction: 'local', region: 'r', tls: true, loopback: false, versioning: true, objectLock: true },
  ...{ serverTime: new Date(), clockSkewMs: 0 },
};

test.each([
  [{ versioning: false }, 'no versioning'],
  [{ objectLock: false }, 'no Object Lock'],
  [{ tls: false }, 'unencrypted'],
  [{ defaultRetention: { mode: 'GOVERNANCE' as const, days: 30 } }, 'for 30 days'],
])('a bucket with %o is told', (fault, what) => {
  expect(judgeBucket('x', bucket)).toEqual([]);
  expect(judgeBucket('x', { ...bucket, tls: false, loopback: true })).toEqual([]);
  expect(whats(judgeBucket('x', { ...bucket, ...fault }))).toEqual([expect.stringContaining(what)]);
});

const standing: DatabaseStanding = {
  ...{ version: '18.1', versionNumber: 180_001, unsafe: [], excess: [], isSuperuser: false, sizeBytes: 1 },
  ...{ aheadSeconds: 1, keptWalBytes: 0, archivingFails: false, isPrivate: true },
};

test.each([
  [{ versionNumber: 140_000, version: '14.9' }, 'too old'],
  [{ unsafe: ['fsync', 'synchronous_commit'] }, 'fsync, synchronous_commit are off'],
  [{ isSuperuser: true, excess: ['UPDATE audit_events'] }, 'superuser'],
  [{ excess: ['UPDATE audit_events'] }, 'may UPDATE audit_events'],
  [{ isPrivate: false }, 'unencrypted'],
  [{ aheadSeconds: -121 }, '121 s behind'],
  [{ keptWalBytes: 6 * 1024 ** 3 }, 'keeps 6 GiB'],
  [{ archivingFails: true }, 'Archiving'],
])('a Postgres with %o is told', (fault, what) => {
  expect(judgeDatabase(standing)).toEqual([]);
  const found = judgeDatabase({ ...standing, ...fault });
  expect(whats(found)).toEqual([expect.stringContaining(what)]);
  expect(found[0]?.todo).toMatch(/\S/);
});

test('a namespace that forgets too soon, or knows no search attributes, is told', () => {
  const attributes = Object.values(searchAttributes).map(({ name }) => name);
  const namespace = { namespace: 'holdfast', server: '1.28', retentionDays: 3, attributes };
  expect(whats(judgeNamespace(namespace))).toEqual([expect.stringContaining('ok Temporal 1.28')]);
  expect(whats(judgeNamespace({ ...namespace, retentionDays: 1 }))).toEqual([
    expect.stringContaining('forgets workflows 24 hours after their end'),
  ]);
  expect(whats(judgeNamespace({ ...namespace, attributes: attributes.slice(1) }))).toEqual([
    expect.stringContaining(`lacks the search attributes ${attributes[0]}.`),
  ]);
  expect(whats(judgeNamespace({ ...namespace, attributes: undefined }))).toEqual([
    expect.stringContaining('ok'),
  ]);
});

test('an OPA whose bundle signatures can be bypassed is too old', () => {
  const least = [1, 21, 3];
  for (const version of ['1.21.3', 'v1.22.0', '2.0.0', '1.21.10-dev'])
    expect(isAtLeast(version, least)).toBe(true);
  for (const version of ['1.21.2', '0.70.0', '1.3.30', 'unknown', ''])
    expect(isAtLeast(version, least)).toBe(false);
});

test('few open files, core files and little memory are told', () => {
  const text = (files: string, core: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax core file size        ${core}                    unlimited            bytes\nMax open files            ${files}                 524288               files\n`;
  for (const core of ['0', '1']) expect(judgeLimits('worker', text('4096', core))).toEqual([]);
  expect(whats(judgeLimits('worker', text('1024', 'unlimited')))).toEqual([
    expect.stringContaining('1024 files'),
    expect.stringContaining('memory is written to a file'),
  ]);
  expect(judgeLimits('clamd', text('1024', 'unlimited'))).toEqual([]);
  expect(judgeMemory('MemTotal: 8000000 kB\nMemAvailable:  300000 kB\n')).toEqual([]);
  expect(whats(judgeMemory('MemAvailable:    2048 kB\n'))).toEqual([
    'problem Only 2 MiB of memory are available.',
  ]);
});

test('secrets that others read, a configuration that others change, and open sockets are told', async () => {
  const configPath = join(folder, 'holdfast.yaml');
  const secret = join(folder, 'secrets', 's3', 'credentials');
  mkdirSync(join(folder, 'secrets', 's3'), { recursive: true });
  for (const file of [configPath, secret]) writeFileSync(file, '', { mode: 0o600 });
  const clamdSocket = join(folder, 'clamd.sock');
  const server = createServer().listen(clamdSocket);
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  chmodSync(clamdSocket, 0o660);
  const look = () =>
    permissions.look({
      ...{ home: folder, configPath, config: config() },
      endpoints: { clamdSocket, opaSocket: '/nonexistent' },
    } as unknown as Patient);
  expect(whats(await look())).toEqual([expect.stringContaining('ok')]);
  chmodSync(folder, 0o755);
  expect(whats(await look())).toEqual([expect.stringContaining('ok')]);
  chmodSync(folder, 0o700);
  chmodSync(configPath, 0o666);
  chmodSync(secret, 0o644);
  chmodSync(clamdSocket, 0o666);
  // In a folder that nobody else gets into it harms nobody.
  expect(whats(await look())).toEqual([
    expect.stringContaining('can change the configuration'),
    expect.stringContaining('credentials can be read by other users'),
  ]);
  chmodSync(folder, 0o755);
  expect((await look()).map(({ todo }) => todo)).toEqual([
    `chmod go-w ${configPath}`,
    `chmod 600 ${secret}; then change what it holds.`,
    expect.stringContaining(`chmod 660 ${clamdSocket}`),
  ]);
});

test('settings that are less safe than they could be are told', () => {
  expect(judgeSettings(config(), false)).toEqual([]);
  expect(whats(judgeSettings(config(), true))).toEqual([expect.stringContaining('HOLDFAST_PASSWORD')]);
  const external = config({
    services: {
      s3: { mode: 'external', endpoint: 'http://s3.example', region: 'r', insecure: true },
      clamd: { mode: 'external', socket: '/run/clamd.sock', signatureSet: 'builtin-test' },
    },
    destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { mode: 'GOVERNANCE', days: 7 } }],
  });
  expect(whats(judgeSettings(external, false))).toEqual([
    expect.stringContaining('s3 of primary'),
    expect.stringContaining('test signatures only'),
    expect.stringContaining('GOVERNANCE'),
  ]);
});
