import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { protectBatch } from '../../src/batch/protect-batch.ts';
import type { EntryRef } from '../../src/catalog/catalog.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { Id } from '../../src/domain/records.ts';
import { compileFilter } from '../../src/files/filter.ts';
import { openRoot } from '../../src/files/root.ts';
import { statFacts } from '../../src/pipeline/file.ts';
import { rejudgeSource } from '../../src/pipeline/rejudge.ts';
import { failSweep } from '../../src/sweep/end.ts';
import { type SweepContext, sweepSource } from '../../src/sweep/sweep.ts';
import { sweepTotals } from '../../src/sweep/totals.ts';
import { makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { recordStanding } from '../support/standing.ts';

const server = usePostgres();

/** Sweeps of a world's source, its entries protected in this process as their workflows would. */
async function makeSweeper(exclude: string[] = [], rehash = 0) {
  const world = await makeWorld(server());
  const { context, catalog, folder } = world;
  const [sourceId = ''] = [...context.sources.keys()];
  const sweeping: SweepContext = {
    catalog,
    ids: context.ids,
    hostId: context.hostId,
    batches: true,
    massChange: { share: 0.2, least: 100 },
    rejudge: (step, run) => rejudgeSource(context, step, run),
    async openSource() {
      const root = await openRoot(folder);
      const config = context.sources.get(sourceId)?.config;
      if (config === undefined) throw new Error('no source');
      const sweep = { every: 86_400_000, jitter: 0, rehash };
      return { id: sourceId, config: { ...config, sweep }, root, filter: compileFilter(root, { exclude }) };
    },
    dispatcher: {
      async dispatch(entries, runId) {
        const hints = await catalog.hint(entries);
        for (const entry of entries) {
          await protectOnce(context, entry, stepRun(), 0, runId);
        }
        return hints;
      },
      start: async () => {},
      async startBatch(batchId) {
        const passOn = async (entryId: Id, runId: Id): Promise<void> => {
          const [entry] = await catalog.rows<EntryRef>(
            'select id, source_id as "sourceId", path from entries where id = $1',
            [entryId],
          );
          if (entry !== undefined) await protectOnce(context, entry, stepRun(), 0, runId);
        };
        const batch = { context, batchId, packs: true, passOn, settled: () => {} };
        await protectBatch(batch, { ...stepRun(), workflowId: `batch:${batchId}` });
      },
    },
  };
  const sweep = async (confirmsDeletions = false, runId: Id = newRunId(), run = stepRun()) => {
    const step = { sourceId, runId, actor: 'tester', confirmsDeletions };
    const { result } = (await sweepSource(sweeping, step, run)) as { result: string };
    const ended = await catalog.endedRun(runId);
    const looked = await catalog.rows<{ path: Buffer }>(
      'select e.path from file_status s join entries e on e.id = s.entry_id where s.run_id = $1 order by e.path',
      [runId],
    );
    return { result, totals: ended?.totals ?? {}, paths: looked.map(({ path }) => path.toString()) };
  };
  return { world, sourceId, sweeping, sweep };
}

function writeMany(world: World, count: number): void {
  for (let i = 0; i < count; i++) world.write(`file-${i}`, `content ${i}`);
}

describe('a sweep', () => {
  test('protects what is there, and then finds all of it unchanged', async () => {
    const { world, sweeping, sweep } = await makeSweeper();
    mkdirSync(join(world.folder, 'letters'));
    world.write('letters/a', 'one');
    world.write('b', 'two');
    world.write('c', 'two');
    const first = await sweep();
    expect(first.result).toBe('complete');
    expect(first.totals).toMatchObject({ seen: 4, unchanged: 0, uploaded: 3, duplicate: 1, bytesRead: 9 });
    expect(first.totals.bytesSent).toBeGreaterThan(6);
    const handedOver: unknown[] = [];
    const { dispatch } = sweeping.dispatcher;
    const dispatcher = {
      ...sweeping.dispatcher,
      dispatch: (entries: readonly EntryRef[], runId: Id) => {
        handedOver.push(...entries);
        return dispatch(entries, runId);
      },
      startBatch: async (batchId: Id) => {
        handedOver.push(batchId);
      },
    };
    Object.assign(sweeping, { dispatcher });
    const again = await sweep();
    expect(handedOver).toEqual([]);
    expect(again.paths).toEqual([]);
    expect(again.totals).toMatchObject({ seen: 4, unchanged: 4, uploaded: 0, bytesRead: 0, bytesSent: 0 });
  });

  test('whose source is away says which one it waits for', async () => {
    const { world, sourceId, sweep } = await makeSweeper();
    rmSync(world.folder, { recursive: true });
    await expect(sweep()).rejects.toMatchObject({ code: 'source_unavailable', facts: { source: sourceId } });
  });

  test('that an error ended is on record as failed, with what it did; one that was ended from outside as interrupted', async () => {
    const { world, sourceId, sweeping, sweep } = await makeSweeper();
    const { catalog, context } = world;
    world.write('a', 'one');
    const [failed, outside] = [newRunId(), newRunId()];
    const step = { sourceId, runId: failed, actor: 'tester', confirmsDeletions: false };
    const openSource = () => Promise.reject(new Error('broken'));
    await expect(sweepSource({ ...sweeping, openSource }, step, stepRun())).rejects.toThrow('broken');
    expect(await catalog.endedRun(failed)).toBeUndefined();
    await protectOnce(context, await world.entry('a'), stepRun(), 0, failed);
    for (let i = 0; i < 2; i++) await failSweep(sweeping, { ...step, code: 'internal' });
    expect(await catalog.endedRun(failed)).toMatchObject({ result: 'failed', totals: { uploaded: 1 } });
    const told = (run: string) =>
      catalog.rows<{ facts: object }>(
        `select event -> 'facts' as facts from audit_events where event ->> 'step' = 'run' and event ->> 'run' = $1`,
        [run],
      );
    expect(await told(failed)).toMatchObject([
      { facts: { kind: 'sweep', result: 'failed', reason: 'internal' } },
    ]);

    const { hostId } = context;
    await catalog.startRun({ id: outside, kind: 'sweep', sourceId, hostId, actor: 'tester' });
    world.write('b', 'two');
    await protectOnce(context, await world.entry('b'), stepRun(), 0, outside);
    expect(await sweep()).toMatchObject({ result: 'complete' });
    const interrupted = { result: 'interrupted', totals: { uploaded: 1 } };
    expect(await catalog.endedRun(outside)).toMatchObject(interrupted);
    expect(await told(outside)).toMatchObject([{ facts: { kind: 'sweep', ...interrupted } }]);
    expect(await catalog.endedRun(failed)).toMatchObject({ result: 'failed' });
  });

  test('has files of more than 1 MiB in batches of their own, and larger ones than 8 MiB in none', async () => {
    const { world, sweeping, sweep } = await makeSweeper();
    const mebibyte = 1024 * 1024;
    for (const [name, sizeBytes] of Object.entries({
      a: 1,
      b: mebibyte + 1,
      c: 2,
      d: 8 * mebibyte,
      e: mebibyte,
    }))
      world.write(name, Buffer.alloc(sizeBytes, name));
    world.write('f', Buffer.alloc(8 * mebibyte + 1));
    const begun: string[] = [];
    const { startBatch } = sweeping.dispatcher;
    const dispatcher = {
      ...sweeping.dispatcher,
      async startBatch(batchId: Id) {
        const items = await world.catalog.rows<{ path: Buffer }>(
          'select e.path from batch_items i join entries e on e.id = i.entry_id where i.batch_id = $1 order by 1',
          [batchId],
        );
        begun.push(items.map(({ path }) => path.toString()).join(' '));
        await startBatch(batchId);
      },
    };
    Object.assign(sweeping, { dispatcher });
    await sweep();
    expect(begun).toEqual(['a c e', 'b d']);
  });

  test('walks no further than a few batches ahead of those who protect what it finds', async () => {
    const { world, sourceId, sweeping } = await makeSweeper();
    // Two of these fill a batch; they have no bytes on the disk.
    for (let i = 10; i < 30; i++) {
      world.write(`file-${i}`, '');
      truncateSync(join(world.folder, `file-${i}`), 8 * 1024 * 1024);
    }
    const begun: Id[] = [];
    const startBatch = async (batchId: Id) => {
      begun.push(batchId);
    };
    const ending = new AbortController();
    const step = { sourceId, runId: newRunId(), actor: 'tester', confirmsDeletions: false };
    const walking = sweepSource({ ...sweeping, dispatcher: { ...sweeping.dispatcher, startBatch } }, step, {
      ...stepRun(),
      signal: ending.signal,
    });
    await expect.poll(() => begun.length).toBe(5);
    await sleep(400);
    expect(begun).toHaveLength(5);
    ending.abort(new Error('enough seen'));
    await expect(walking).rejects.toThrow();
  });

  test('after a switch of the policy judges anew what is protected, without reading it, and acts on what changed', async () => {
    const { world, sweep } = await makeSweeper();
    for (const name of ['a', 'b']) world.write(name, name);
    await sweep();
    world.knobs.bundleRevision = 'c'.repeat(64);
    expect((await sweep()).totals).toMatchObject({ seen: 2, unchanged: 2, bytesRead: 0 });
    const judged = await world.catalog.rows('select 1 from decisions where bundle_revision = $1', [
      'c'.repeat(64),
    ]);
    expect(judged).toHaveLength(4);
    const { admission } = world.knobs;
    if (typeof admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...admission, scope: 'restricted' };
    world.knobs.bundleRevision = 'd'.repeat(64);
    world.write('b', 'changed');
    const { paths, totals } = await sweep();
    expect(paths).toEqual(['a', 'b']);
    expect(totals).toMatchObject({ seen: 2, uploaded: 2 });
  });

  test('takes what changed and what failed before, and makes a tombstone for what is gone', async () => {
    const { world, sweep } = await makeSweeper(['*.tmp']);
    for (const name of ['same', 'changed', 'gone', 'left.tmp']) world.write(name, name);
    world.knobs.verdict = () => {
      throw new Error('defect');
    };
    await expect(sweep()).rejects.toThrow('defect');
    world.knobs.verdict = {
      state: 'clean',
      engine: 'test 1',
      signatureRevision: 'r1',
      signaturesAt: '2026-01-01T00:00:00.000Z',
      signatureSet: 'official',
    };
    expect((await sweep()).totals).toMatchObject({ seen: 4, uploaded: 3, ignored: 1 });
    world.write('changed', 'anew');
    world.remove('gone');
    const { paths, totals, result } = await sweep();
    expect(paths).toEqual(['changed', 'gone']);
    expect(totals).toMatchObject({ seen: 3, unchanged: 1, uploaded: 1, ignored: 1, deleted: 1 });
    expect(result).toBe('complete');
    await world.catalog.rows(
      `update versions set outcome = 'failed', reason = 'scanner_error'
       where id = (select head_version_id from entries where path = 'same')`,
    );
    const retried = await sweep();
    expect(retried.paths).toEqual(['same']);
    expect(retried.totals).toMatchObject({ failed: 0, unchanged: 1 });
  });

  test('lets nothing count as deleted when too much is gone, until that is confirmed', async () => {
    const { world, sweep } = await makeSweeper();
    writeMany(world, 60);
    await sweep();
    for (let i = 0; i < 55; i++) world.remove(`file-${i}`);
    world.write('new', 'new');
    const refused = await sweep();
    expect(refused.result).toBe('incomplete');
    expect(refused.paths).toEqual(['new']);
    expect(refused.totals).toMatchObject({ refusedDeletions: 55, deleted: 0, uploaded: 1, seen: 6 });
    const confirmed = await sweep(true);
    expect(confirmed.result).toBe('complete');
    expect(confirmed.totals).toMatchObject({ refusedDeletions: 0, deleted: 55, unchanged: 6 });
  });

  test('counts once what it did, however often it is cut off', async () => {
    const { world, sweep } = await makeSweeper();
    writeMany(world, 3);
    const runId = newRunId();
    const first = await sweep(false, runId);
    const second = await sweep(false, runId);
    expect(second.totals).toEqual(first.totals);
    const events = await world.catalog.rows(
      `select event -> 'facts' ->> 'result' as result from audit_events where event ->> 'step' = 'run' and event ->> 'run' = $1`,
      [runId],
    );
    expect(events).toEqual([{ result: 'complete' }]);
    // One file that was looked at by both tries, because it changed in between.
    world.write('file-0', 'changed');
    await protectOnce(world.context, await world.entry('file-0'), stepRun(), 0, runId);
    const walked = { seen: 3, skipped: 0, unreachable: 0 };
    expect(await sweepTotals(world.catalog, runId, walked)).toMatchObject({ uploaded: 3, unchanged: 0 });
  });

  test('that was cut off goes on where it was, and counts all that is gone, before and after', async () => {
    const { world, sourceId, sweeping, sweep } = await makeSweeper(['*.tmp']);
    const count = 11_500;
    for (let folder = 100; folder < 200; folder++) {
      mkdirSync(join(world.folder, `${folder}`));
      for (let file = 0; file < count / 100 - 1; file++) world.write(`${folder}/${file}`, '');
    }
    world.write('199/x.tmp', '');
    const facts = (path: string) => {
      const stat = lstatSync(join(world.folder, path), { bigint: true });
      return { path: Buffer.from(path), facts: statFacts(stat.isFile() ? 'file' : 'dir', stat) };
    };
    const there = readdirSync(world.folder, { recursive: true, encoding: 'utf8' });
    const anyFile = facts('100/0').facts;
    const gone = [...Array(800).keys()].map((index) => `100-gone/${index}`);
    gone.push(...[...Array(300).keys()].map((index) => `199/gone-${index}`));
    await recordStanding(world.catalog, sweeping.ids, sourceId, [
      ...there.filter((path) => path !== '105/7' && !path.endsWith('.tmp')).map(facts),
      ...gone.map((path) => ({ path: Buffer.from(path), facts: anyFile })),
    ]);
    let looks = 0;
    const { openSource } = sweeping;
    Object.assign(sweeping, {
      async openSource(id: Id) {
        const source = await openSource(id);
        const judge = source.filter.judge.bind(source.filter);
        source.filter.judge = (...entry) => {
          looks++;
          return judge(...entry);
        };
        return source;
      },
    });
    const runId = newRunId();
    const cutOffAfter = (items: number) => {
      const died = new AbortController();
      const heartbeat = () => {
        if (items-- === 0) died.abort(new Error('killed'));
      };
      return sweep(false, runId, { ...stepRun(), heartbeat, signal: died.signal });
    };
    await expect(cutOffAfter(11_000)).rejects.toThrow('killed');
    expect(looks).toBeGreaterThan(9_500);
    looks = 0;
    await expect(cutOffAfter(1_500)).rejects.toThrow('killed');
    expect(looks).toBeLessThan(2_500);
    looks = 0;
    const { result, totals, paths } = await sweep(false, runId);
    expect(looks).toBeLessThan(2_500);
    expect(result).toBe('incomplete');
    expect(totals).toMatchObject({
      seen: count + 1,
      ignored: 1,
      uploaded: 1,
      refusedDeletions: 1_100,
      deleted: 0,
    });
    expect(paths).toEqual(['105/7']);
    expect(await world.catalog.rows('select 1 from sweep_progress')).toEqual([]);
  });

  test.each<[string, (path: string) => void]>([
    ['bytes that were replaced, and the time put back', (path) => writeFileSync(path, 'TWO')],
    ['another mode', (path) => chmodSync(path, 0o600)],
    ['another file under the name', (path) => renameSync(`${path}-too`, path)],
  ])('finds %s', async (_, change) => {
    const { world, sweep } = await makeSweeper();
    const path = join(world.folder, 'b');
    for (const name of ['b', 'b-too']) {
      world.write(name, name === 'b' ? 'two' : 'TWO');
      utimesSync(join(world.folder, name), 1_000, 1_000);
    }
    await sweep();
    change(path);
    utimesSync(path, 1_000, 1_000);
    const { paths } = await sweep();
    expect(paths).toContain('b');
  });

  test('reads its share of what looks unchanged, and finds bytes that changed under an equal stat', async () => {
    const { world, sweep } = await makeSweeper([], 1);
    world.write('a', 'one');
    world.write('b', 'two');
    await sweep();
    world.write('a', 'ONE');
    const [head] = await world.catalog.rows<{ id: Id }>(
      `select head_version_id as id from entries where path = 'a'`,
    );
    await world.pretendUntouched(head?.id ?? '', 'a');
    const { totals, paths } = await sweep();
    expect(paths).toEqual(['a']);
    expect(totals).toMatchObject({ seen: 2, uploaded: 1, unchanged: 1 });
  });

  test('of a source whose folder is away deletes nothing', async () => {
    const { world, sweep } = await makeSweeper();
    writeMany(world, 2);
    await sweep();
    rmSync(world.folder, { recursive: true });
    await expect(sweep()).rejects.toThrow();
    const deleted = await world.catalog.rows(`select 1 from versions where outcome = 'deleted'`);
    expect(deleted).toEqual([]);
  });
});
