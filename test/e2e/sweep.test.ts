import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInstallation } from '../support/installation.ts';

let stack: TestInstallation;

beforeAll(async () => {
  // Nobody watches: what the sweep does not find is not found.
  stack = await TestInstallation.start({ sources: { docs: undefined } }, '--no-watch');
});
afterAll(() => stack.remove());

const sweep = async (...flags: string[]) => {
  const ended = await stack.run('sweep', 'docs', '--wait', '--json', ...flags);
  const [row] = ended.rows as unknown as { runId: string; result: string; totals: Record<string, number> }[];
  return { ...ended, ...row };
};

test('without a watcher a sweep protects everything, changes and deletions included', async () => {
  for (let i = 0; i < 60; i++) stack.write('docs', `folder/file-${i}`, `content ${i}`);
  const first = await sweep();
  expect(first).toMatchObject({ code: 0, result: 'complete', totals: { seen: 61, uploaded: 61, failed: 0 } });
  expect(await stack.bucketState()).toMatchObject({ objects: [], packs: [{}] });

  stack.write('docs', 'folder/file-1', 'changed');
  rmSync(stack.path('docs', 'folder', 'file-2'));
  const second = await sweep();
  expect(second.code).toBe(0);
  // The folder too has another time now.
  expect(second.totals).toMatchObject({ uploaded: 2, deleted: 1, failed: 0 });
  expect(await stack.bucketState()).toMatchObject({ objects: [{}], packs: [{}] });

  expect((await sweep()).totals).toMatchObject({ seen: 60, unchanged: 60, bytesSent: 0 });
  const restored = await stack.run('restore', 'docs', '--to', stack.path('docs', '..', 'restored'), '--json');
  expect(restored.code).toBe(0);
  expect(readFileSync(stack.path('docs', '..', 'restored', 'docs', 'folder', 'file-1'), 'utf8')).toBe(
    'changed',
  );
  expect(readFileSync(stack.path('docs', '..', 'restored', 'docs', 'folder', 'file-59'), 'utf8')).toBe(
    'content 59',
  );
  expect((await stack.run('verify', '--all', '--json')).code).toBe(0);
});

test('when too much is gone nothing counts as deleted until that is confirmed', async () => {
  rmSync(stack.path('docs', 'folder'), { recursive: true });
  const refused = await sweep();
  expect(refused).toMatchObject({
    code: 3,
    result: 'incomplete',
    totals: { refusedDeletions: 60, deleted: 0 },
  });
  expect(refused.stderr).toContain('--confirm-deletions');
  const confirmed = await sweep('--confirm-deletions');
  expect(confirmed).toMatchObject({
    code: 0,
    result: 'complete',
    totals: { refusedDeletions: 0, deleted: 60 },
  });
  const { rows } = await stack.run('files', 'docs', '--json');
  expect(rows).toEqual([]);
});

test('each source is swept by the clock, unless that is paused', async () => {
  const list = async () =>
    (await stack.run('schedule', 'list', '--json')).rows as unknown as Record<string, unknown>[];
  expect((await list()).find(({ name }) => name === 'sweep docs')).toMatchObject({
    paused: false,
    next: expect.stringMatching(/^20.*Z$/),
  });
  expect((await stack.run('schedule', 'pause', 'sweep docs')).code).toBe(0);
  expect((await list()).find(({ name }) => name === 'sweep docs')).toMatchObject({ paused: true });
  expect((await stack.run('schedule', 'resume', 'sweep docs')).code).toBe(0);
  expect(await stack.run('schedule', 'pause', 'sweep nowhere')).toMatchObject({ code: 2 });
});
