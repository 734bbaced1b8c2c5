import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { lastSweeps, outcomeCounts, sourceBacklogs } from '../../src/catalog/standing-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { DependencyMetrics } from '../../src/observability/metrics/dependencies.ts';
import { PipelineMetrics } from '../../src/observability/metrics/pipeline.ts';
import { StoreMetrics } from '../../src/observability/metrics/stores.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { makeBatch } from '../batch/batches.ts';
import { objectStoreContract, sha256 } from '../storage/contract.ts';
import { makeWorld, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

/** Every series of a registry by name and labels, without those that are 0. */
async function series(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = lines.map(
    (line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))] as const,
  );
  return Object.fromEntries(values.filter(([, value]) => value !== 0));
}

async function measuredWorld(): Promise<World & { read(): Promise<Record<string, number>> }> {
  const registry = new Registry();
  const metrics = new PipelineMetrics(registry, ['primary']);
  const world = await makeWorld(postgres(), (change) => metrics.written(change));
  const isTimed = (name: string): boolean => /_bucket|latency_seconds_sum/.test(name);
  return {
    ...world,
    read: async () =>
      Object.fromEntries(Object.entries(await series(registry)).filter(([name]) => !isTimed(name))),
  };
}

const contents = { a: 'the same', b: 'the same', c: 'another' };

test('both lanes count alike', async () => {
  const single = await measuredWorld();
  const batch = await measuredWorld();
  for (const world of [single, batch])
    for (const [name, content] of Object.entries(contents)) world.write(name, content);
  for (const name of Object.keys(contents))
    await protectOnce(single.context, await single.entry(name), stepRun());
  await (await makeBatch(batch, Object.keys(contents), { packs: false })).run();
  expect(await single.read()).toEqual({
    'holdfast_files_total{outcome="uploaded"}': 2,
    'holdfast_files_total{outcome="duplicate"}': 1,
    'holdfast_decisions_total{gate="admission",result="allowed"}': 3,
    'holdfast_decisions_total{gate="release",result="allowed"}': 3,
    'holdfast_verdicts_total{verdict="clean",reason=""}': 3,
    'holdfast_placements_total{destination="primary",state="committed"}': 3,
    'holdfast_objects_total{destination="primary"}': 2,
    holdfast_read_bytes_total: 23,
    holdfast_protect_latency_seconds_count: 3,
  });
  expect(await batch.read()).toEqual(await single.read());
});

test('a change that was refused is not counted', async () => {
  const world = await measuredWorld();
  world.write('a', 'content');
  await protectOnce(world.context, await world.entry('a'), stepRun());
  const before = await world.read();
  const event = { id: newRunId(), event: {}, at: new Date().toISOString() };
  const applied = await world.catalog.apply({
    ...{ restsOn: ['f'.repeat(32)], events: [event] },
    settle: {
      ...{
        versionId: 'v',
        entryId: 'e',
        observation: 1,
        hint: 1,
        runId: 'r',
        outcome: 'uploaded',
        reason: null,
      },
    },
  });
  expect(applied).toBe('object_not_live');
  expect(await world.read()).toEqual(before);
});

describe('latency', () => {
  /** Seconds from `dueSinceMs` to now, told of the one file that is protected. */
  async function told(prepare: (world: World) => Promise<void>): Promise<number> {
    let seconds = Number.NaN;
    const world = await makeWorld(postgres(), ({ settle }) => {
      if (settle?.dueSinceMs !== undefined) seconds = (Date.now() - settle.dueSinceMs) / 1_000;
    });
    world.write('a', 'content');
    const entry = await world.entry('a');
    await prepare(world);
    await protectOnce(world.context, entry, stepRun());
    return seconds;
  }
  const noticed = (world: World, ago: string) =>
    world.asOwner(`update entries set noticed_at = now() - interval '${ago}'`);

  test('counts from the oldest event that nobody has answered, however many follow', async () => {
    const seconds = await told(async (world) => {
      const { utimes } = await import('node:fs/promises');
      await utimes(`${world.folder}/a`, 1_000, 1_000);
      await noticed(world, '1 hour');
      await world.entry('a');
    });
    expect(seconds).toBeGreaterThan(3_590);
    expect(seconds).toBeLessThan(3_700);
  });

  test('counts from the last change of the content where that is later', async () => {
    expect(await told((world) => noticed(world, '1 hour'))).toBeLessThan(60);
  });

  test('does not count from a time in the future', async () => {
    const seconds = await told(async (world) => {
      const { utimes } = await import('node:fs/promises');
      const future = Date.now() / 1_000 + 86_400;
      await utimes(`${world.folder}/a`, future, future);
      await noticed(world, '1 minute');
    });
    expect(seconds).toBeGreaterThan(59);
  });
});

describe('what stands', () => {
  test('is counted by source and outcome, of versions and of what they are now', async () => {
    const world = await makeWorld(postgres());
    world.write('a', 'one');
    await protectOnce(world.context, await world.entry('a'), stepRun());
    world.write('a', 'two');
    await protectOnce(world.context, await world.entry('a'), stepRun());
    expect(await outcomeCounts(world.catalog)).toEqual([
      { source: 'docs', outcome: 'uploaded', versions: 2, entries: 1 },
    ]);
  });

  test('the oldest unprotected entry waits since its oldest event, and fails since it failed first', async () => {
    const world = await makeWorld(postgres());
    const oldest = async (): Promise<number> => (await sourceBacklogs(world.catalog))[0]?.oldestSeconds ?? -1;
    world.write('a', 'one');
    await world.entry('a');
    await world.asOwner(`update entries set noticed_at = now() - interval '2 hours'`);
    expect(await sourceBacklogs(world.catalog)).toMatchObject([{ source: 'docs', waiting: 1 }]);
    expect(await oldest()).toBeGreaterThan(7_190);
    await protectOnce(world.context, await world.entry('a'), stepRun());
    expect(await oldest()).toBe(0);
    // It fails, twice, and the event of the second time is from just now.
    for (const ago of ['3 hours', '1 hour']) {
      await world.asOwner(`insert into versions (id, entry_id, observation, run_id, kind, size_bytes, mode, uid, gid, mtime_ns,
          ctime_ns, device, inode, outcome, observed_at)
        select gen_random_uuid()::text, id, observation + 1, 'r', 'file', 0, 0, 0, 0, 0, 0, 0, 0, 'failed', now() - interval '${ago}'
        from entries;
        update entries e set observation = v.observation, head_version_id = v.id, head_observation = v.observation, noticed_at = now()
        from (select * from versions order by observation desc limit 1) v`);
    }
    expect(await oldest()).toBeGreaterThan(10_790);
    expect(await oldest()).toBeLessThan(11_000);
  });

  test('a source that was never swept counts from when it was added', async () => {
    const world = await makeWorld(postgres());
    const [before] = await lastSweeps(world.catalog);
    expect(before).toMatchObject({ source: 'docs', seconds: 0 });
    expect(Math.abs(Date.now() - (before?.completeAt.getTime() ?? 0))).toBeLessThan(60_000);
    const [sourceId = ''] = [...world.context.sources.keys()];
    for (const result of ['incomplete', 'complete with warnings'] as const) {
      const id = newRunId();
      await world.catalog.startRun({ id, kind: 'sweep', sourceId, hostId: 'h', actor: 'holdfast' });
      await world.catalog.endRun(id, result, {});
      const [now] = await lastSweeps(world.catalog);
      expect(now?.completeAt.getTime() === before?.completeAt.getTime()).toBe(result === 'incomplete');
    }
  });
});

const observed = (options: ConstructorParameters<typeof MemoryStore>[0]) => {
  const registry = new Registry();
  return { registry, store: new StoreMetrics(registry, [options.name]).observed(new MemoryStore(options)) };
};

objectStoreContract('a store whose calls are counted', async () => {
  const options = { name: 'memory', now: () => new Date() };
  const memory = new MemoryStore(options);
  return {
    store: new StoreMetrics(new Registry(), ['memory']).observed(memory),
    plantDeleteMarker: async (key) => memory.plantDeleteMarker(key),
    plantVersion: async (key, body) => memory.plantVersion(key, body),
    open: async (condition) =>
      observed({ ...options, bucket: condition === 'bucket_absent' ? 'absent' : 'without_lock' }).store,
    stop: async () => {},
  };
});

test('uploads are counted by what they come to, and a destination is up unless it gives no answer', async () => {
  let failure: Failure | undefined;
  const { registry, store } = observed({
    ...{ name: 'primary', now: () => new Date() },
    fault: () => {
      if (failure !== undefined) throw failure;
    },
  });
  const body = Buffer.from('bytes');
  const put = () =>
    store.put({ key: 'k', body, sha256: sha256(body), lock: { mode: 'GOVERNANCE', days: 1 } });
  await store.ensureBucket();
  await put();
  await put();
  failure = new Failure('s3_denied', { destination: 'primary' });
  await expect(put()).rejects.toThrow();
  const up = async () => (await series(registry))['holdfast_destination_up{destination="primary"}'] ?? 0;
  expect(await up()).toBe(1);
  failure = new Failure('s3_unavailable', { destination: 'primary' });
  await expect(store.head({ key: 'k', versionId: 'v' })).rejects.toThrow();
  expect(await up()).toBe(0);
  failure = undefined;
  await store.facts();
  expect(await up()).toBe(1);
  expect(await series(registry)).toMatchObject({
    'holdfast_uploads_total{destination="primary",result="stored"}': 1,
    'holdfast_uploads_total{destination="primary",result="exists"}': 1,
    'holdfast_uploads_total{destination="primary",result="s3_denied"}': 1,
    'holdfast_s3_failures_total{destination="primary",code="s3_unavailable"}': 1,
    'holdfast_sent_bytes_total{destination="primary"}': 5,
  });
});

test('a dependency that rejects is down, whatever the others say', async () => {
  const registry = new Registry();
  const dependencies = new DependencyMetrics(registry);
  await dependencies.ask({ opa: async () => {}, clamd: () => Promise.reject(new Error('no')) });
  const text = await registry.metrics();
  expect(text).toContain('holdfast_dependency_up{dependency="opa"} 1');
  expect(text).toContain('holdfast_dependency_up{dependency="clamd"} 0');
});
