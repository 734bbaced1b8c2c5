import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changesSince, lastLook } from '../../src/catalog/mass-change-query.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { sourceRetention } from '../../src/catalog/retention-query.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { restoreTree } from '../../src/restore/restore.ts';
import { detectMassChange, restoreCommand } from '../../src/retention/mass-change.ts';
import { resumeRetention } from '../../src/retention/pause.ts';
import { failureOf } from '../storage/contract.ts';
import { protectOnce, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type RetentionWorld, retentionWorld, standard } from './world.ts';

const server = usePostgres();
const massChange = { share: 0.2, least: 10 };

/** A sweep, and what it says of how much changed. */
async function sweep(
  world: RetentionWorld,
  work: (look: (path: string) => Promise<unknown>) => Promise<void>,
  refusedDeletions = 0,
  confirmsDeletions = false,
): Promise<{ before: Date | undefined; runId: string }> {
  const { catalog, context, sourceId } = world;
  const runId = newRunId();
  await catalog.startRun({ id: runId, kind: 'sweep', sourceId, hostId: 'host', actor: 'tester' });
  await work(async (path) => protectOnce(context, await world.entry(path), stepRun(), 0, runId));
  const swept = { sourceId, runId, refusedDeletions, confirmsDeletions };
  const before = await detectMassChange({ ...world.retention, massChange }, swept);
  expect(await detectMassChange({ ...world.retention, massChange }, swept)).toEqual(before);
  await catalog.endRun(runId, 'complete', {});
  return { before, runId };
}

const names = Array.from({ length: 30 }, (_, number) => `file-${String(number).padStart(2, '0')}`);

/** Thirty files, protected by a sweep some days ago. */
async function filled(): Promise<RetentionWorld> {
  const world = await retentionWorld(server());
  await sweep(world, async (look) => {
    for (const name of names) {
      world.write(name, `content of ${name}`);
      await look(name);
    }
  });
  await world.pass(3);
  return world;
}

/** What ransomware does to six of ten files: rewritten, every other one under another name. */
async function encrypt(world: RetentionWorld, look: (path: string) => Promise<unknown>): Promise<void> {
  for (const [index, name] of names.slice(0, 18).entries()) {
    world.write(name, `scrambled ${name}`);
    if (index % 2 === 1) {
      renameSync(join(world.folder, name), join(world.folder, `${name}.locked`));
      await look(`${name}.locked`);
    }
    await look(name);
  }
}

test('an attack on six of ten files raises an incident, and one command brings back what was before', async () => {
  const world = await filled();
  const { before, runId } = await sweep(world, (look) => encrypt(world, look));
  if (before === undefined) throw new Error('nobody noticed');
  const incidents = await world.catalog.rows('select kind, subject, source_id, facts, state from incidents');
  expect(incidents).toEqual([
    {
      kind: 'mass_change',
      subject: runId,
      source_id: world.sourceId,
      facts: { changed: 9, vanished: 9, entries: 30, before: before.toISOString() },
      state: 'open',
    },
  ]);
  const { since } = await lastLook(world.catalog, world.sourceId, runId);
  const counted = { changed: 9, vanished: 9, entries: 30 };
  for (const pageSize of [1, 4, 18, 1_000])
    expect(await changesSince(world.catalog, world.sourceId, since, 10, pageSize)).toMatchObject(counted);

  expect(restoreCommand('docs', before)).toBe(`holdfast restore docs --to DIR --at ${before.toISOString()}`);

  // A year later nothing of it has gone, and all of it is locked.
  world.classes.standard = { ...standard, versions: 1, minimumDays: 0 };
  await world.pass(365);
  expect((await world.retain()).totals).toMatchObject({
    expired: 0,
    deleted: 0,
    paused: 1,
    extended: 30 + 18,
  });
  const target = join(world.folder, '..', 'restored');
  mkdirSync(target);
  const { pinnedAt } = await sourceRetention(world.catalog, world.sourceId);
  const results: string[] = [];
  const restoring = restoreTree(
    {
      index: catalogIndex(world.catalog),
      keys: world.context.keys,
      stores: new Map([['primary', world.store]]),
    },
    // As noted, had the clocks moved with the year.
    { source: 'docs', to: target, at: pinnedAt ?? new Date(0) },
  );
  for await (const { result } of restoring) results.push(result);
  expect(new Set(results)).toEqual(new Set(['restored']));
  expect(readdirSync(join(target, 'docs')).sort()).toEqual(names);
  for (const name of names)
    expect(readFileSync(join(target, 'docs', name), 'utf8')).toBe(`content of ${name}`);
});

test('pause and pin end when somebody says so, with a reason, and what they kept expires', async () => {
  const world = await filled();
  await sweep(world, (look) => encrypt(world, look));
  const resume = {
    runId: newRunId(),
    sourceId: world.sourceId,
    source: 'docs',
    actor: 'officer',
    reason: 'it was the new converter',
  };
  await resumeRetention(world.retention, resume);
  expect(await sourceRetention(world.catalog, world.sourceId)).toMatchObject({
    pausedAt: null,
    pinnedAt: null,
  });
  expect(await failureOf(resumeRetention(world.retention, resume))).toBe('retention_not_paused');
  const [told] = await world.catalog.rows<{ event: object }>(
    `select event from audit_events where event ->> 'subject' = $1`,
    [resume.runId],
  );
  expect(told?.event).toMatchObject({
    actor: 'officer',
    facts: { action: 'resumed', reason: 'it was the new converter' },
  });
  world.classes.standard = { ...standard, versions: 1 };
  await world.pass(60);
  expect((await world.retain()).totals).toMatchObject({ expired: 18, deleted: 18, paused: 0 });
});

test('the change that was judged and resumed is not judged again, the next one is', async () => {
  const world = await filled();
  await sweep(world, (look) => encrypt(world, look));
  const resume = { sourceId: world.sourceId, source: 'docs', actor: 'officer', reason: 'meant' };
  await resumeRetention(world.retention, { ...resume, runId: newRunId() });
  expect((await sweep(world, async () => {})).before).toBeUndefined();
  const again = await sweep(world, async (look) => {
    for (const name of names.slice(18)) {
      world.write(name, 'scrambled');
      await look(name);
    }
  });
  expect(again.before).toBeInstanceOf(Date);
  const { pausedAt, pinnedAt } = await sourceRetention(world.catalog, world.sourceId);
  expect(pausedAt).toBeInstanceOf(Date);
  expect(pinnedAt).toEqual(again.before);
});

test('what the watcher saw before the sweep counts too', async () => {
  const world = await filled();
  await encrypt(world, async (path) =>
    protectOnce(world.context, await world.entry(path), stepRun(), 0, 'watcher'),
  );
  expect((await sweep(world, async () => {})).before).toBeInstanceOf(Date);
});

test('entries that are gone and may not count as deleted are part of it, unless they were meant to go', async () => {
  const world = await filled();
  expect((await sweep(world, async () => {}, 9)).before).toBeUndefined();
  expect((await sweep(world, async () => {}, 10, true)).before).toBeUndefined();
  expect((await sweep(world, async () => {}, 10)).before).toBeInstanceOf(Date);
});

test('new files, other rights, and a fifth of the files are daily work', async () => {
  const world = await filled();
  const { before } = await sweep(world, async (look) => {
    for (let number = 0; number < 40; number++) {
      world.write(`new-${number}`, `new ${number}`);
      await look(`new-${number}`);
    }
    for (const name of names.slice(0, 5)) {
      world.write(name, 'other');
      await look(name);
    }
    for (const name of names.slice(5)) {
      world.write(name, `content of ${name}`);
      await look(name);
    }
  });
  expect(before).toBeUndefined();
  expect(await world.catalog.rows('select 1 from incidents')).toEqual([]);
});
