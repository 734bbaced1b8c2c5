import { readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileRow } from '../../src/cli/rows.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { sweepScheduleId } from '../../src/temporal/names.ts';
import { eicar } from '../support/eicar.ts';
import { TestInstallation, until } from '../support/installation.ts';
import { type RunningLoki, startLoki } from '../support/loki.ts';
import { MarkerSearch } from '../support/marker-search.ts';

/** What the program logs, in a real Loki with the project's configuration: found by ids, and without any name. */
const mark = 'k4w9-marker';
let loki: RunningLoki;
let installation: TestInstallation;
let rows: ReadonlyMap<string, FileRow>;

beforeAll(async () => {
  loki = await startLoki();
  installation = await TestInstallation.start({
    sources: { docs: undefined, unwatched: undefined },
    configure: (config) => {
      for (const source of config.sources) if (source.name === 'unwatched') source.watch = 'off';
      config.logs = { level: 'debug', loki: { url: loki.url } };
      config.policy = { ...config.policy, sources: { docs: { destinations: ['primary'] } } };
    },
  });
  installation.write('docs', `${mark}/plain-${mark}.txt`, 'plain');
  for (const name of ['one', 'two']) installation.write('docs', `${mark}/${name}-${mark}.txt`, 'the same');
  installation.write('docs', `${mark}/infected-${mark}.com`, eicar);
  installation.write('docs', `${mark}/large-${mark}.bin`, Buffer.alloc(12 * 1024 * 1024, mark));
  symlinkSync(`../${mark}-elsewhere`, installation.path('docs', mark, `link-${mark}`));
  rows = (await installation.protect(installation.path('docs'))).byPath;
  for (let i = 0; i < 60; i++)
    installation.write('unwatched', `${mark}/many/${i}-${mark}.txt`, `${mark} ${i}`);
  installation.write('unwatched', `${mark}/many/infected-${mark}.com`, `${eicar} `);
  await installation.run('sweep', 'unwatched', '--wait');
  // A source that is away, and a service that was killed, are told about too. A sweep by the clock waits for it.
  const there = installation.path('docs');
  renameSync(there, `${there}-${mark}`);
  await sweepByTheClock('docs');
  const workerLog = path.join(installation.home, 'logs', 'worker.log');
  await until(
    'the sweep waits',
    async () => readFileSync(workerLog, 'utf8').includes('source_unavailable'),
    60_000,
  );
  renameSync(`${there}-${mark}`, there);
  const killed = await installation.signal('worker', 'SIGKILL');
  await until(
    'the worker is back',
    async () => {
      const { pid, healthy } = await installation.service('worker');
      return pid !== killed && healthy;
    },
    60_000,
  );
  await installation.down();
}, 2_400_000);

async function sweepByTheClock(source: string): Promise<void> {
  const [row] = await installation.query<{ id: string }>('select id from sources where name = $1', [source]);
  const { address, namespace } = await installation.temporal();
  const connection = await Connection.connect({ address });
  try {
    const { schedule } = new Client({ connection, namespace });
    await schedule.getHandle(sweepScheduleId(row?.id ?? '')).trigger();
  } finally {
    await connection.close();
  }
}

afterAll(async () => {
  await installation?.remove();
  await loki?.stop();
}, 120_000);

test('a file is found by each of its ids, with every step', async () => {
  const row = rows.get(`${mark}/plain-${mark}.txt`);
  expect(row?.outcome).toBe('uploaded');
  const byVersion = await loki.query(
    `{service="worker"} | json | version="${row?.versionId}" | msg="step done"`,
  );
  const steps = byVersion.map(({ text }) => JSON.parse(text));
  expect(steps.map(({ step }) => step).sort()).toEqual(['admit', 'fingerprint', 'scan', 'sealAndUpload']);
  const [{ workflow, entry, run }] = steps;
  for (const [name, id] of Object.entries({ workflow, entry, run })) {
    const found = await loki.query(`{service="worker"} | json | ${name}="${id}"`);
    expect(
      found.map(({ text }) => text),
      name,
    ).toEqual(expect.arrayContaining(byVersion.map(({ text }) => text)));
  }
});

test('every outcome is there under the version that has it', async () => {
  const settled = (
    await loki.query('{service="worker", level="info"} | json | outcome=~"uploaded|duplicate|quarantined"')
  ).map(({ text }) => JSON.parse(text));
  for (const { path: name, outcome, versionId, kind } of rows.values()) {
    if (kind === 'dir') continue;
    expect(settled, name).toContainEqual(expect.objectContaining({ version: versionId, outcome }));
  }
});

test('a batch is a line, with how many files came to what, and one for each that needs a look', async () => {
  const batches = (await loki.query('{service="worker"} | json | msg="batch done"')).map(({ text }) =>
    JSON.parse(text),
  );
  const uploaded = batches.reduce((sum, { outcomes }) => sum + (outcomes.uploaded ?? 0), 0);
  expect(uploaded).toBeGreaterThanOrEqual(60);
  for (const { batch, workflow } of batches) expect(workflow).toBe(`batch:${batch}`);
});

test('no name of a file, folder or link arrived, and only three labels', async () => {
  const all = await loki.query('{host=~".+"}');
  expect(new Set(all.map(({ labels }) => labels.service))).toEqual(
    new Set(['supervisor', 'watcher', 'worker']),
  );
  const text = all.map((line) => line.text).join('\n');
  expect(text).toContain('source_unavailable');
  expect(text).toContain('was ended by SIGKILL');
  expect(new MarkerSearch({ name: [mark] }).inPlain(Buffer.from(text))).toEqual(new Set());
  const labels = (await (await fetch(`${loki.url}/loki/api/v1/labels`)).json()) as { data: string[] };
  expect(labels.data.sort()).toEqual(['host', 'level', 'service']);
  expect(new Set(all.map((line) => line.labels.host))).toEqual(new Set([hostname()]));
});

test('everything that our processes wrote by their rules is there, once', async () => {
  for (const service of ['supervisor', 'worker', 'watcher']) {
    const file = path.join(installation.home, 'logs', `${service}.log`);
    const written = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{"level"'));
    const arrived = (await loki.query(`{service="${service}"}`)).map(({ text }) => text);
    expect(written.length, service).toBeGreaterThan(0);
    expect(arrived.sort(), service).toEqual([...new Set(written)].sort());
  }
});

test('Loki understands every expression of the dashboards', async () => {
  const folder = path.join(projectRoot, 'ops/grafana/dashboards');
  const expressions = readdirSync(folder).flatMap((name) =>
    lokiExpressions(JSON.parse(readFileSync(path.join(folder, name), 'utf8'))),
  );
  expect(expressions.length).toBeGreaterThan(0);
  for (const expression of expressions) expect(await loki.objection(expression), expression).toBeUndefined();
  // Loki does object to what is none.
  expect(await loki.objection('{service="worker"} | jsn')).toContain('parse error');
});

/** The LogQL of a dashboard: targets whose own or whose panel's datasource is Loki. Grafana's variables get a value. */
function lokiExpressions(value: unknown, datasource = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { datasource: own, expr } = value as { datasource?: { type?: string }; expr?: unknown };
  const type = own?.type ?? datasource;
  const mine = type === 'loki' && typeof expr === 'string' ? [withVariables(expr)] : [];
  return [...mine, ...Object.values(value).flatMap((below) => lokiExpressions(below, type))];
}

const withVariables = (expression: string): string =>
  expression.replaceAll(/\$__\w+|\$\{__\w+\}/g, '5m').replaceAll(/\$\{?\w+(:\w+)?\}?/g, '.+');
