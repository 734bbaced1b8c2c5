import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation, until } from '../support/installation.ts';
import { expectNothingDoubled } from '../support/outage.ts';

const files = 60;
let installation: TestInstallation;

beforeAll(async () => {
  installation = await TestInstallation.start({ sources: { docs: undefined } });
});

afterAll(() => installation?.remove());

test('kill -9 of the supervisor in the middle of a run, then up again: nothing is lost or doubled', async () => {
  const folder = installation.path('docs');
  const { pid } = await installation.status();
  for (let i = 0; i < files; i++) installation.write('docs', `${i}.txt`, `file ${i}`);
  await until('the first files are uploaded', async () => {
    const [row] = await installation.query<{ count: number }>(
      `select count(*)::int as count from versions where outcome = 'uploaded' and kind = 'file'`,
    );
    return (row?.count ?? 0) > 2;
  });
  process.kill(pid, 'SIGKILL');
  await until('nobody answers for it any more', async () => (await installation.run('status')).code === 5);
  // What it ran is still there, and is stopped by the next one before it starts its own.
  await installation.up();
  const { code, rows } = await installation.protect(folder);
  expect(code).toBe(0);
  const outcomes = rows.filter((row) => row.kind === 'file').map((row) => row.outcome);
  expect(outcomes).toEqual(Array.from({ length: files }, () => 'uploaded'));
  await expectNothingDoubled(installation, files);
}, 240_000);
