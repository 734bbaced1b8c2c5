import { hash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation, until } from '../support/installation.ts';
import { expectNothingDoubled } from '../support/outage.ts';
import {
  databaseServerOf,
  type SelfHostedTemporal,
  startSelfHostedTemporal,
} from '../support/self-hosted-temporal.ts';

/** Somebody else runs Postgres and, on it, a Temporal server that is not the development server. */
const namespace = 'self-hosted';
const smallFiles = 40;
const largeBytes = 20 * 1024 * 1024;
const outageMs = 10_000;
let provider: TestInstallation;
let temporal: SelfHostedTemporal;
let installation: TestInstallation;

beforeAll(async () => {
  provider = await TestInstallation.start({ sources: { docs: undefined } }, '--only', 'postgres');
  temporal = await startSelfHostedTemporal(provider.home, namespace, await databaseServerOf(provider));
  installation = await TestInstallation.start(
    {
      sources: { docs: undefined },
      configure: (config) => {
        config.services = { temporal: { mode: 'external', address: temporal.address, namespace } };
      },
    },
    '--no-watch',
  );
  // A first run builds the server: minutes alone, a good quarter of an hour on a busy machine.
}, 2_400_000);

afterAll(async () => {
  await installation?.remove();
  await temporal?.stop();
  await provider?.remove();
}, 120_000);

test('a tree is protected through an outage of the server and restored as it was', async () => {
  expect(Object.keys(await installation.services())).not.toContain('temporal');
  for (let i = 0; i < smallFiles; i++) installation.write('docs', `${i % 4}/${i}.txt`, `small ${i}`);
  installation.write('docs', 'large.bin', randomBytes(largeBytes));

  const protecting = installation.protect(installation.path('docs'));
  await until('the first files are uploaded', async () => (await uploaded()) > 2);
  expect(await uploaded()).toBeLessThan(smallFiles);
  await temporal.kill();
  await sleep(outageMs);
  await temporal.restart();

  const { code, rows } = await protecting;
  const outcomes = rows.filter((row) => row.kind === 'file').map((row) => row.outcome);
  expect(outcomes).toEqual(Array.from({ length: smallFiles + 1 }, () => 'uploaded'));
  expect(code).toBe(0);
  await expectNothingDoubled(installation, smallFiles + 1);

  const to = path.join(installation.folder, 'restored');
  expect(await installation.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(contentsOf(path.join(to, 'docs'))).toEqual(contentsOf(installation.path('docs')));
}, 300_000);

test('every workflow ran on that server and is closed', async () => {
  // 2 is COMPLETED of temporal.api.enums.v1.WorkflowExecutionStatus. Retention goes on as long as there is the source.
  await until('all others to be closed', async () =>
    (await visibleWorkflows()).every(
      ({ workflow_type_name: type, status }) => status === 2 || type === 'retainSource',
    ),
  );
  expect((await visibleWorkflows()).length).toBeGreaterThan(smallFiles);
});

/** SHA-256 of every file below `folder`, by its path there. */
function contentsOf(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  const paths = files.map((item) => path.join(item.parentPath, item.name)).sort();
  return new Map(paths.map((file) => [path.relative(folder, file), hash('sha256', readFileSync(file))]));
}

async function uploaded(): Promise<number> {
  const [row] = await installation.query<{ count: number }>(
    `select count(*)::int as count from versions where outcome = 'uploaded' and kind = 'file'`,
  );
  return row?.count ?? 0;
}

async function visibleWorkflows(): Promise<{ workflow_type_name: string; status: number }[]> {
  const { port, ...server } = await databaseServerOf(provider);
  const client = new pg.Client({ ...server, port: Number(port), database: 'temporal_visibility' });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select workflow_type_name, status from executions_visibility where workflow_type_name not like 'temporal-%'`,
    );
    return rows;
  } finally {
    await client.end();
  }
}
