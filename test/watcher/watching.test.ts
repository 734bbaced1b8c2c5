import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { EntryRef } from '../../src/catalog/catalog.ts';
import { parseConfig } from '../../src/config.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { statFacts } from '../../src/pipeline/file.ts';
import { ProblemBoard } from '../../src/watcher/problem-board.ts';
import { SourceAgent } from '../../src/watcher/source-agent.ts';
import { sourceProblems } from '../../src/watcher/source-problems.ts';
import { pollPauseMs, watchingOf, watchingSentence } from '../../src/watcher/watching.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { makeWorld, protectOnce, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { recordStanding } from '../support/standing.ts';

const server = usePostgres();

const mounts = [
  { path: Buffer.alloc(0), type: 'ext4' },
  { path: Buffer.from('/share'), type: 'nfs4' },
  { path: Buffer.from('/home/me/cloud'), type: 'fuse.rclone' },
];

test.each([
  ['auto', '/share', false, 'poll', /nfs4.*about every 60 s/],
  ['auto', '/home/me', false, 'poll', /fuse.rclone/],
  ['auto', '/home/me', true, 'events', undefined],
  ['auto', '/home/you', false, 'events', undefined],
  ['events', '/share', false, 'events', /nfs4.*sweeps only/],
  ['poll', '/home/you', false, 'poll', /as configured/],
  ['off', '/share', false, 'off', /found by its sweeps/],
] as const)('watch: %s of %s, on one file system %s: %s', (watch, path, oneFileSystem, by, note) => {
  const watching = watchingOf({ watch, oneFileSystem }, mounts, Buffer.from(path));
  expect(watching.by).toBe(by);
  const sentence = watchingSentence(watching, { pollEvery: 60_000 });
  if (note === undefined) expect(sentence).toBeUndefined();
  else expect(sentence).toMatch(note);
});

test('looks take a tenth of the time at most', () => {
  expect(pollPauseMs({ pollEvery: 60_000 }, 100)).toBe(60_000);
  expect(pollPauseMs({ pollEvery: 60_000 }, 20_000)).toBe(180_000);
});

/** An agent that hands entries over to steps in this process. */
async function startAgent(watch: 'poll' | 'events', startSweep = async () => false) {
  const { context, catalog, folder, ...world } = await makeWorld(server());
  const home = tempFolder();
  mkdirSync(join(home, 'run'));
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) } },
      sources: [{ name: 'docs', path: folder, watch, pollEvery: '1s', exclude: ['*.tmp'] }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
    }),
    'holdfast.yaml',
  );
  const [source] = config.sources;
  if (source === undefined) throw new Error('no source');
  world.write('failed', '');
  const facts = statFacts('file', lstatSync(join(folder, 'failed'), { bigint: true }));
  const failed = { path: Buffer.from('failed'), facts, outcome: 'failed' as const };
  await recordStanding(catalog, context.ids, context.ids.source('docs'), [failed]);
  const looked: string[] = [];
  const runId = newRunId();
  const dispatcher = {
    async dispatch(entries: readonly EntryRef[]) {
      await catalog.hint(entries);
      for (const entry of entries) {
        const path = entry.path.toString();
        if (path !== 'failed') await protectOnce(context, entry, stepRun(), 0, runId);
        looked.push(path);
      }
    },
  };
  const agent = new SourceAgent({
    ...{
      installation: { config },
      catalog,
      dispatcher,
      log: pino({ level: 'silent' }),
      home,
      ids: context.ids,
      runId,
    },
    source: { ...source, pollEvery: 50 },
    board: new ProblemBoard(home),
    startSweep,
  } as unknown as ConstructorParameters<typeof SourceAgent>[0]);
  const stopping = new AbortController();
  const running = agent.run(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
  });
  const seen = (path: string) =>
    expect.poll(() => looked.splice(0), { timeout: 60_000, interval: 20 }).toContain(path);
  return { catalog, context, folder, looked, seen, home, ...world };
}

test('without events, what comes, changes and goes is found by looking, and what failed is tried again once', async () => {
  const { folder, looked, seen, home, write } = await startAgent('poll');
  await seen('failed');
  write('a', 'one');
  await seen('a');
  write('a', 'changed');
  await seen('a');
  rmSync(join(folder, 'a'));
  await seen('a');
  // Rules that changed count at the next look.
  write('.holdfastignore', 'left-out');
  await seen('.holdfastignore');
  write('left-out', '');
  write('b', 'two');
  const all: string[] = [];
  await expect
    .poll(() => all.push(...looked.splice(0)) && all, { timeout: 60_000, interval: 20 })
    .toContain('b');
  await sleep(300);
  expect([...all, ...looked]).toEqual(['b']);
  rmSync(folder, { recursive: true });
  await expect
    .poll(async () => (await sourceProblems(home, [])).docs, { timeout: 60_000 })
    .toContain('cannot be opened');
}, 200_000);

test('what was there for a moment and would not be taken gets no entry; what was protected before is seen to be gone', async () => {
  const { catalog, context, folder, seen, write } = await startAgent('events');
  await seen('failed');
  write('known.tmp', 'protected before *.tmp was left out');
  const facts = statFacts('file', lstatSync(join(folder, 'known.tmp'), { bigint: true }));
  const known = { path: Buffer.from('known.tmp'), facts, outcome: 'uploaded' as const };
  await recordStanding(catalog, context.ids, context.ids.source('docs'), [known]);
  const passing = ['passing.tmp', `.holdfast-${'0123456789abcdef'.repeat(2)}`];
  for (const name of passing) write(name, '');
  for (const name of passing) rmSync(join(folder, name));
  rmSync(join(folder, 'known.tmp'));
  await seen('known.tmp');
  write('last', '');
  await seen('last');
  const entries = await catalog.rows<{ path: Buffer }>('select path from entries order by path');
  expect(entries.map(({ path }) => path.toString())).toEqual(['failed', 'known.tmp', 'last']);
}, 200_000);

test('more than single files at once are left to a sweep, and to another one after the one under way', async () => {
  let asked = 0;
  const { looked, write, seen } = await startAgent('poll', async () => ++asked === 3);
  await seen('failed');
  for (let index = 0; index < 1_100; index++) write(`file-${index}`, '');
  await expect.poll(() => asked, { timeout: 60_000 }).toBe(3);
  expect(looked.length).toBeLessThan(1_000);
}, 90_000);
