import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import path from 'node:path';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eicar } from '../support/eicar.ts';
import { hasPacks, TestInstallation } from '../support/installation.ts';
import { withConnection } from '../support/temporal-namespace.ts';
import { differences, treeFacts } from '../support/tree-facts.ts';

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

const at = (name: string): string => stack.path('docs', 'folder', name);

async function stored(): Promise<{ objects: number; packs: number }> {
  const { objects, packs } = await stack.bucketState();
  return { objects: objects.length, packs: packs.length };
}

test('without a watcher a sweep protects everything, changes and deletions included', async () => {
  const count = 60;
  for (let i = 0; i < count; i++) stack.write('docs', `folder/file-${i}`, `content ${i}`);
  // What is not read and stored as one of many small ones.
  stack.write('docs', 'folder/medium', randomBytes(3 * 1024 * 1024));
  stack.write('docs', 'folder/large', randomBytes(17 * 1024 * 1024));
  stack.write('docs', 'folder/empty', '');
  linkSync(at('file-3'), at('second name'));
  symlinkSync('file-4', at('points'));
  mkdirSync(at('nothing in it'));
  const infected = stack.write('docs', 'folder/infected.com', eicar);
  const first = await sweep();
  expect(first).toMatchObject({
    code: 0,
    result: 'complete with warnings',
    totals: { seen: count + 8, quarantined: 1, failed: 0, deleted: 0 },
  });
  expect(existsSync(infected)).toBe(false);
  // The two that are no small ones lie by themselves; the others, with the infected one left out, share an object.
  const inBatches = count + 1;
  expect(await stored()).toEqual(hasPacks ? { objects: 2, packs: 1 } : { objects: 2 + inBatches, packs: 0 });

  stack.write('docs', 'folder/file-1', 'changed');
  rmSync(at('file-2'));
  renameSync(at('file-5'), at('moved'));
  linkSync(at('file-6'), at('third name'));
  chmodSync(at('file-7'), 0o600);
  utimesSync(at('file-8'), 1_000_000_000.5, 1_000_000_000.5);
  rmSync(at('second name'));
  const second = await sweep();
  expect(second).toMatchObject({ code: 0, result: 'complete', totals: { deleted: 3, failed: 0 } });
  // Only what changed was new content.
  const { objects, packs } = await stored();
  expect({ objects, packs }).toEqual(
    hasPacks ? { objects: 3, packs: 1 } : { objects: 3 + inBatches, packs: 0 },
  );
  const to = path.join(stack.folder, 'restored');
  expect(await stack.run('restore', 'docs', '--to', to)).toMatchObject({ code: 0 });
  expect(differences(treeFacts(stack.path('docs')), treeFacts(path.join(to, 'docs')))).toEqual([]);

  const third = await sweep();
  expect(third.totals).toMatchObject({ unchanged: third.totals?.seen, bytesSent: 0 });
  expect((await stack.run('verify', '--all', '--json')).code).toBe(0);
}, 240_000);

test('what a run left to look at is what Temporal finds by its search attributes', async () => {
  const listed = await stack.run('runs', '--source', 'docs', '--result', 'warnings', '--json');
  const runs = listed.rows as unknown as { runId: string; kind: string; source: string; result: string }[];
  const swept = runs.find(({ kind }) => kind === 'sweep');
  expect(swept).toMatchObject({ source: 'docs', result: 'complete with warnings' });
  const { runId = '' } = swept ?? {};
  const { rows } = await stack.run('run', 'show', runId, '--json');
  const path = 'folder/infected.com';
  expect(rows).toMatchObject([
    { runId, outcomes: { quarantined: 1 }, files: [{ path, outcome: 'quarantined' }] },
  ]);
  const [{ files = [] } = {}] = rows as unknown as { files?: { workflowId: string; webUi: string }[] }[];

  const { address, namespace } = await stack.temporal();
  const found = await withConnection(address, async (connection) => {
    const client = new Client({ connection, namespace });
    const ofRun = async (query: string) => {
      const all = await Array.fromAsync(
        client.workflow.list({ query: `${query} and HoldfastRun = '${runId}'` }),
      );
      return all.map(({ workflowId, type, searchAttributes }) => ({ workflowId, type, searchAttributes }));
    };
    return {
      files: await ofRun(
        `WorkflowType = 'protectFile' and HoldfastOutcome in ('failed', 'quarantined', 'held')`,
      ),
      others: await ofRun(`WorkflowType != 'protectFile'`),
      untold: await untold(client),
    };
  });
  expect(found.untold).toEqual([]);
  expect(found.files.map(({ workflowId }) => workflowId)).toEqual(files.map(({ workflowId }) => workflowId));
  expect(found.files[0]?.searchAttributes).toMatchObject({
    ...{ HoldfastSource: ['docs'], HoldfastClassification: ['internal'], HoldfastDestination: ['primary'] },
    ...{
      HoldfastReason: [expect.any(String)],
      HoldfastPolicyRevision: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    },
  });
  // Whatever the batches let go of is nothing of theirs; the sweep is as bad as its worst file.
  const outcomes = Object.groupBy(found.others, ({ type }) => type);
  expect(
    outcomes.protectBatch?.map(({ searchAttributes }) => searchAttributes.HoldfastOutcome),
  ).toContainEqual(['uploaded']);
  expect(outcomes.sweepSource?.[0]?.searchAttributes).toMatchObject({ HoldfastOutcome: ['quarantined'] });
  expect(JSON.stringify(found)).not.toMatch(/folder|infected|file-/);

  const shown = await stack.run('show', `docs:${path}`, '--json');
  expect(shown.rows).toMatchObject([
    { path, workflowId: files[0]?.workflowId, webUi: files[0]?.webUi ?? null },
  ]);
  const only = async (...filters: string[]) =>
    (await stack.run('files', ...filters, '--json')).rows.map((row) => row.path);
  expect(await only('--run', runId, '--name', '*.com', '--class', 'internal')).toEqual([path]);
  expect(await only('--source', 'docs', '--reason', 'no_such_rule')).toEqual([]);
  expect(await only('docs', '--changed-since', 'now')).toEqual([]);
  const short = runId.slice(0, 8);
  expect((await stack.run('run', 'show', short, '--json')).rows).toMatchObject([{ runId }]);
  expect(await stack.run('report', 'run', short)).toMatchObject({ code: 0 });
  expect(await stack.run('run', 'show', 'nonsense')).toMatchObject({ code: 2 });
});

test('a running worker sweeps for who has no password, who may not confirm deletions', async () => {
  const nobody = { HOLDFAST_PASSWORD_FILE: undefined };
  stack.write('docs', 'folder/asked for', 'by a command without keys');
  const swept = await stack.runWith(nobody, 'sweep', 'docs', '--wait', '--json');
  expect(swept).toMatchObject({ code: 0, rows: [{ result: 'complete', totals: { uploaded: 2 } }] });
  const started = await stack.runWith(nobody, 'sweep', 'docs', '--json');
  expect(started).toMatchObject({ code: 0, rows: [{ started: true, runId: expect.any(String) }] });
  await sweep();
  expect(await stack.runWith(nobody, 'sweep', 'nowhere', '--wait')).toMatchObject({ code: 6 });
  expect(await stack.runWith(nobody, 'sweep', 'docs', '--confirm-deletions')).toMatchObject({ code: 6 });
});

test('when too much is gone nothing counts as deleted until that is confirmed', async () => {
  const gone = 1 + treeFacts(stack.path('docs', 'folder')).entries.size;
  rmSync(stack.path('docs', 'folder'), { recursive: true });
  const refused = await sweep();
  expect(refused).toMatchObject({
    code: 3,
    result: 'incomplete',
    totals: { refusedDeletions: gone, deleted: 0 },
  });
  expect(refused.stderr).toContain('--confirm-deletions');
  const confirmed = await sweep('--confirm-deletions');
  expect(confirmed).toMatchObject({
    code: 0,
    result: 'complete',
    totals: { refusedDeletions: 0, deleted: gone },
  });
  const { rows } = await stack.run('files', 'docs', '--json');
  expect(rows).toMatchObject([{ path: 'folder/infected.com', outcome: 'quarantined' }]);
});

test('a source whose folder is away, or another one, is told of at once, and nothing of it counts as deleted', async () => {
  stack.write('docs', 'stays.txt', 'never deleted');
  expect(await sweep()).toMatchObject({ code: 0, totals: { uploaded: 1 } });
  const folder = stack.path('docs');
  renameSync(folder, `${folder}.away`);
  const lookedAt = async (said: RegExp) => {
    for (const flags of [['--wait'], [], ['--wait', '--confirm-deletions']]) {
      const refused = await stack.run('sweep', 'docs', ...flags);
      expect(refused).toMatchObject({ code: 5, stderr: expect.stringMatching(said) });
    }
  };
  await lookedAt(/folder is not there|ENOENT/);
  mkdirSync(folder);
  await lookedAt(/another folder is in its place/);
  const [examined] = (await stack.run('doctor', '--json')).rows as unknown as { findings: object[] }[];
  expect(examined?.findings).toContainEqual(
    expect.objectContaining({ check: 'sources', state: 'problem', what: expect.stringContaining('docs') }),
  );
  rmSync(folder, { recursive: true });
  renameSync(`${folder}.away`, folder);
  expect(await sweep()).toMatchObject({ code: 0, result: 'complete', totals: { deleted: 0 } });
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
  // Twice is once, and a source's name means its sweeps.
  expect(await stack.run('schedule', 'resume', 'docs', '--json')).toMatchObject({
    ...{ code: 0, rows: [{ name: 'sweep docs', paused: false }] },
  });
  expect((await stack.run('schedule', 'resume', 'sweep docs')).code).toBe(0);
  expect((await list()).find(({ name }) => name === 'sweep docs')).toMatchObject({ paused: false });
  expect(await stack.run('schedule', 'pause', 'sweep nowhere')).toMatchObject({ code: 2 });
});

/** Workflows that do not say what they are, or say it in the clear. Those that go on for another say it otherwise. */
async function untold({ workflow }: Client): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId, runId, type } of workflow.list()) {
    const { raw } = await workflow.getHandle(workflowId, runId).describe();
    const { encoding } = raw.executionConfig?.userMetadata?.summary?.metadata ?? {};
    if (Buffer.from(encoding ?? []).toString() !== 'binary/encrypted') found.push(`${type} ${workflowId}`);
  }
  return found;
}
