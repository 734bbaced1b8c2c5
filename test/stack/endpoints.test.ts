import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Config, type ConfigFile, parseConfig } from '../../src/config.ts';
import { type Endpoints, endpoints } from '../../src/stack/endpoints.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-endpoints-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(services: ConfigFile['services'], more: Partial<ConfigFile> = {}): Config {
  const id = 'ab'.repeat(16);
  const least: ConfigFile = {
    version: 1,
    repository: id,
    host: { id },
    sources: [{ name: 'docs', path: '/srv/docs' }],
    destinations: [{ name: 'primary', bucket: 'bucket', lock: { days: 1 } }],
    ...(services === undefined ? {} : { services }),
    ...more,
  };
  return parseConfig(stringify(least), 'test');
}

const where = (services: ConfigFile['services']): { config: Config; found: Endpoints } => {
  const checked = config(services);
  return {
    config: checked,
    found: endpoints(checked, { home: folder, cache: folder, runtime: folder }, () => undefined),
  };
};

const postgres = (uri: string, more: object = {}): (() => unknown) => {
  const writerUriFile = path.join(folder, 'uri');
  writeFileSync(writerUriFile, `${uri}\n`);
  const { found } = where({ postgres: { mode: 'external', writerUriFile, ...more } });
  return () => found.catalogWriter;
};
const temporal = (address: string, more: object = {}) => {
  const { found } = where({ temporal: { mode: 'external', address, ...more } });
  return () => found.temporal;
};
const s3 = (endpoint: string, more: object = {}) => {
  const { config: checked, found } = where({ s3: { mode: 'external', endpoint, ...more } });
  const [destination] = checked.destinations;
  return () => destination && found.s3(destination, 'agent');
};

test.each([
  ['postgres', () => postgres('postgres://writer:p%40ss@db.example.org:5432/holdfast')],
  ['postgres', () => postgres('postgres://writer@10.0.0.1/holdfast?sslmode=disable')],
  ['postgres', () => postgres('postgres://writer:127.0.0.1@[2001:db8::1]:5432/holdfast')],
  ['temporal', () => temporal('temporal.example.org:7233')],
  ['temporal', () => temporal('127.0.0.1.example.org:7233')],
  ['s3', () => s3('http://s3.example.org')],
])('no %s is reached over a network in the clear', (service, make) => {
  expect(make()).toThrow(expect.objectContaining({ code: 'plaintext_refused', facts: { service } }));
});

test.each([
  ['a socket', () => postgres('postgres://writer@/holdfast?host=%2Frun%2Fpostgresql')],
  ['this machine', () => postgres('postgres://writer:p@127.0.0.1:5432/holdfast')],
  ['this machine by its other name', () => postgres('postgres://writer:p@[::1]:5432/holdfast')],
  ['TLS by the driver', () => postgres('postgres://writer:p@db.example.org/holdfast?sslmode=verify-full')],
  ['TLS under an authority', () => postgres('postgres://writer:p@db/holdfast', { caFile: '/etc/ca.pem' })],
  ['a tunnel', () => postgres('postgres://writer:p@10.0.0.1/holdfast', { insecure: true })],
  ['this machine', () => temporal('localhost:7233')],
  ['TLS', () => temporal('temporal.example.org:7233', { tls: {} })],
  ['an API key', () => temporal('temporal.example.org:7233', { apiKeyFile: '/etc/key' })],
  ['a tunnel', () => temporal('10.0.0.1:7233', { insecure: true })],
  ['this machine', () => s3('http://127.0.0.1:9000')],
  ['TLS', () => s3('https://s3.example.org')],
  ['a tunnel', () => s3('http://10.0.0.1:9000', { insecure: true })],
])('%s is taken', (_, make) => {
  expect(make()).not.toThrow();
});

test('a host that joined is nobody’s database owner', () => {
  const uriFile = path.join(folder, 'own');
  writeFileSync(uriFile, 'postgres://writer@127.0.0.1/holdfast\n');
  const { found } = where({ postgres: { mode: 'external', writerUriFile: uriFile } });
  expect(() => found.catalogOwner).toThrow(expect.objectContaining({ code: 'joined_host' }));
});

test.each(['0.0.0.0', '::', '0::0', 'every', '10.0.0.0/8'])('listening on %s is refused', (address) => {
  expect(() => config(undefined, { listen: { address } })).toThrow(/listen/);
});
