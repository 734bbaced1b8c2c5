import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Config, type ConfigFile, parseConfig } from '../../src/config.ts';
import { nodeService } from '../../src/stack/our-services.ts';
import { resolvePaths } from '../../src/stack/paths.ts';

const root = path.join(import.meta.dirname, '../..');
let home: string;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'holdfast-ports-'));
  mkdirSync(path.join(home, 'run'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Where a process that is started so serves its metrics. */
async function served(name: 'worker' | 'watcher', metrics: Config['metrics']) {
  const service = nodeService({
    paths: resolvePaths({ HOLDFAST_HOME: home, HOME: home }, 1_000),
    ...{
      name,
      script: 'src/none',
      configPath: 'none',
      dependsOn: [],
      password: () => Buffer.alloc(0),
      metrics,
    },
  });
  const { args, extra } = await service.prepare(new Map());
  const value = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  return { port: value('--metrics-port'), sdk: value('--sdk-metrics-port'), ...extra };
}

test('metrics are served on the ports that are named, and told of', async () => {
  const metrics = { address: '127.0.0.1', ports: { worker: 9464, sdk: 9465, watcher: 9466 } };
  expect(await served('worker', metrics)).toEqual({
    ...{ port: '9464', sdk: '9465' },
    ...{ metrics: 'http://127.0.0.1:9464/metrics', sdkMetrics: 'http://127.0.0.1:9465/metrics' },
  });
  expect(await served('watcher', { ...metrics, address: '::1' })).toEqual({
    ...{ port: '9466', sdk: undefined, metrics: 'http://[::1]:9466/metrics' },
  });
});

test('without names they are free ports, the same as last time', async () => {
  const metrics = { address: '127.0.0.1', ports: {} };
  const first = await served('worker', metrics);
  expect(Number(first.port)).toBeGreaterThan(1_023);
  expect(first.sdk).not.toBe(first.port);
  expect(await served('worker', metrics)).toEqual(first);
});

test('they are on loopback unless one other address is named; never on all', () => {
  const example = parse(readFileSync(path.join(root, 'holdfast.example.yaml'), 'utf8')) as ConfigFile;
  const at = (address: string | undefined) =>
    parseConfig(stringify({ ...example, metrics: address === undefined ? {} : { address } }), 'test').metrics
      .address;
  expect(at(undefined)).toBe('127.0.0.1');
  expect(at('192.0.2.7')).toBe('192.0.2.7');
  for (const all of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) expect(() => at(all)).toThrow();
});

test('the scrape configuration has the ports of the example', () => {
  const { metrics } = parse(readFileSync(path.join(root, 'holdfast.example.yaml'), 'utf8')) as ConfigFile;
  const { scrape_configs: jobs } = parse(
    readFileSync(path.join(root, 'ops/prometheus/prometheus.yml'), 'utf8'),
  ) as { scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] };
  const ports = Object.fromEntries(
    jobs.map(({ job_name, static_configs }) => [job_name, static_configs.flatMap(({ targets }) => targets)]),
  );
  expect(ports).toEqual({
    'holdfast-worker': [`127.0.0.1:${metrics?.ports?.worker}`],
    'holdfast-temporal-sdk': [`127.0.0.1:${metrics?.ports?.sdk}`],
    'holdfast-watcher': [`127.0.0.1:${metrics?.ports?.watcher}`],
  });
});
