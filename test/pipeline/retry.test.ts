import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { Id } from '../../src/domain/records.ts';
import { admit } from '../../src/pipeline/admit.ts';
import { fingerprint } from '../../src/pipeline/fingerprint.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import {
  denied,
  makeWorld,
  protectOnce,
  stepRun,
  untilScanned,
  untilUploaded,
  type World,
} from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const newWorld = (): Promise<World> => makeWorld(postgres());
const dayMs = 86_400_000;

interface Scanned {
  readonly versionId: Id;
  readonly large: boolean;
}

async function scannedFile(world: World, content = 'hello'): Promise<Scanned> {
  world.write('a', content);
  const scanned = await untilScanned(world.context, await world.entry('a'));
  if ('next' in scanned) throw new Error('unreachable');
  return scanned;
}

/** Makes the store lose the answer of the next `operation`, which took effect. */
function loseAnswer(world: World, operation: keyof ObjectStore): void {
  world.knobs.fault = (call) => {
    if (call.operation !== operation || call.moment !== 'after') return;
    world.knobs.fault = () => {};
    throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
  };
}

interface Sealing {
  readonly generation: number;
  readonly iv: Buffer;
  readonly state: string;
}

const sealings = (catalog: Catalog): Promise<Sealing[]> =>
  catalog.rows<Sealing>(
    'select s.generation, s.iv, i.state from sealings s left join intents i on i.sealing_id = s.id order by s.generation',
  );

describe('a PUT whose answer was lost', () => {
  test('invariant 5: is found by the retry: one object version, one row, the same IV', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    loseAnswer(world, 'put');
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    expect(await world.versions()).toHaveLength(1);
    expect(await world.catalog.rows('select 1 from objects')).toEqual([]);

    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect(await world.catalog.rows('select key, s3_version_id as "versionId" from objects')).toEqual([
      { key: version?.key, versionId: version?.versionId },
    ]);
    expect(await sealings(world.catalog)).toMatchObject([{ generation: 0, state: 'committed' }]);
  });

  test('invariant 3: and was retried days later, rests on a lock of the full length', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    loseAnswer(world, 'put');
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.storeAheadMs = 6 * dayMs;
    await untilUploaded(world.context, scanned);
    const [version] = await world.versions();
    const facts = await world.store.head(version as never);
    const wanted = Date.now() + world.knobs.storeAheadMs + 7 * dayMs;
    expect(facts?.lock?.retainUntil.getTime()).toBeGreaterThan(wanted - 3_600_000);
    const [row] = await world.catalog.rows<{ until: Date }>('select retain_until as until from objects');
    expect(row?.until).toEqual(facts?.lock?.retainUntil);
  });

  test('and is hidden behind a delete marker, is still found and not sent twice', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    loseAnswer(world, 'put');
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    const [version] = await world.versions();
    world.store.plantVersion(version?.key ?? '', Buffer.from('foreign'));
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(
      await world.catalog.rows(`select 1 from objects where s3_version_id = $1`, [version?.versionId]),
    ).toHaveLength(1);
  });
});

describe('a foreign object under our name', () => {
  type Put = Parameters<ObjectStore['put']>[0];
  const other = Buffer.from('planted');

  test.each<[string, 'GOVERNANCE' | 'COMPLIANCE', (store: World['store'], ours: Put) => unknown]>([
    ['other bytes', 'GOVERNANCE', (store, { key }) => store.plantVersion(key, other)],
    [
      'other bytes under a good lock',
      'GOVERNANCE',
      (store, ours) => store.putSmallDocument({ ...ours, body: other }),
    ],
    [
      'our bytes without lock and checksum',
      'GOVERNANCE',
      (store, { key, body }) => store.plantVersion(key, body),
    ],
    [
      'our bytes under a weaker lock',
      'COMPLIANCE',
      (store, ours) => store.putSmallDocument({ ...ours, lock: { mode: 'GOVERNANCE', days: 7 } }),
    ],
  ])('with %s is never taken for ours', async (_name, mode, plant) => {
    const world = await newWorld();
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    const { admission } = world.knobs;
    world.knobs.admission = { ...admission, retention: { ...admission.retention, mode } };
    const scanned = await scannedFile(world);
    const put = world.store.put.bind(world.store);
    world.store.put = async (object) => {
      await plant(world.store, object);
      return put(object);
    };
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 'planted_object' });
    expect(await world.catalog.rows(`select 1 from objects`)).toEqual([]);
    expect(await world.catalog.rows(`select state from placements`)).toEqual([{ state: 'uploading' }]);
  });
});

describe('invariant 3: what the store says of the object', () => {
  async function readBackAs(
    change: (facts: NonNullable<Awaited<ReturnType<ObjectStore['head']>>>) => object | undefined,
  ) {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    const head = world.store.head.bind(world.store);
    world.store.head = async (object) => {
      const facts = await head(object);
      return facts && (change(facts) as typeof facts);
    };
    const error = await untilUploaded(world.context, scanned).catch((thrown: unknown) => thrown);
    expect(await world.catalog.rows(`select 1 from objects`)).toEqual([]);
    expect(await world.catalog.rows(`select state from placements`)).toEqual([{ state: 'uploading' }]);
    return error;
  }
  const lock = { mode: 'GOVERNANCE' as const, retainUntil: new Date(Date.now() + 6 * dayMs) };

  test.each([
    ['a shorter lock', { lock }, 'lock_mismatch'],
    ['no lock', { lock: undefined }, 'lock_mismatch'],
    ['another length', { lengthBytes: 1 }, 's3_corrupt'],
    ['another checksum', { checksum: { kind: 'whole', sha256: Buffer.alloc(32) } }, 's3_corrupt'],
    ['no checksum', { checksum: undefined }, 's3_corrupt'],
  ])('%s: %s is not committed', async (_name, change, code) => {
    expect(await readBackAs((facts) => ({ ...facts, ...change }))).toMatchObject({ code });
  });

  test('nothing: is not committed', async () => {
    expect(await readBackAs(() => undefined)).toMatchObject({ code: 'object_missing' });
  });
});

describe('sealing again', () => {
  test('what comes out otherwise is never sent under the IV that covered other bytes', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    const sent: { key: string; sha256: string }[] = [];
    const put = world.store.put.bind(world.store);
    world.store.put = async (object) => {
      sent.push({ key: object.key, sha256: object.sha256.toString('hex') });
      if (sent.length === 1) throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
      return put(object);
    };
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    await world.catalog.rows(`update intents set sealed_sha256 = decode(repeat('00', 32), 'hex')`);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });

    const [first, second, ...more] = await sealings(world.catalog);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ generation: 0, state: 'aborted' });
    expect(second).toMatchObject({ generation: 1, state: 'committed' });
    expect(first?.iv.equals(second?.iv ?? Buffer.alloc(0))).toBe(false);
    expect(sent[1]?.key).not.toBe(sent[0]?.key);
    const [version] = await world.versions();
    expect((await world.open(version as never)).toString()).toBe('hello');
    const seals = (await world.events(scanned.versionId)).filter((event) => event.step === 'seal');
    expect(seals.map((event) => event.facts.generation)).toEqual([0, 1]);
  });

  test('and denied this time is held, with every decision kept', async () => {
    const world = await newWorld();
    const scanned = await scannedFile(world);
    world.knobs.fault = () => {
      throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    };
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    world.knobs.release = denied('not_any_more');
    await world.catalog.rows(`update intents set sealed_sha256 = decode(repeat('00', 32), 'hex')`);
    expect(await untilUploaded(world.context, scanned)).toMatchObject({
      outcome: 'held',
      reason: 'not_any_more',
    });
    expect(await world.versions()).toEqual([]);
    expect(
      await world.catalog.rows(`select allow from decisions where gate = 'release' order by at, decision_id`),
    ).toEqual([{ allow: true }, { allow: false }]);
  });
});

describe('a step that runs twice', () => {
  test('fingerprint, also on another host of the group, changes nothing', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const look = { entryId: entry.id, runId: 'r', round: 0 };
    const run = stepRun();
    const first = await fingerprint(world.context, look, run);
    const second = await fingerprint(world.another({ hostId: 'other host' }), look, run);
    expect(second).toEqual(first);
    expect(await world.catalog.rows('select count(*) as n from versions')).toEqual([{ n: 1 }]);
  });

  test('fingerprint of a file that changed in between makes nothing of the first version', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const look = { entryId: entry.id, runId: 'r', round: 0 };
    const run = stepRun();
    await fingerprint(world.context, look, run);
    world.write('a', 'other');
    expect(await fingerprint(world.context, look, run)).toEqual({ next: 'changed' });
    expect(await world.catalog.rows('select outcome from versions')).toEqual([{ outcome: 'cancelled' }]);
    expect(await fingerprint(world.context, look, run)).toEqual({ next: 'changed' });
  });

  test('fingerprint of a file that was put back in between makes nothing of the first version', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    await protectOnce(world.context, entry);
    renameSync(join(world.folder, 'a'), join(world.folder, 'kept'));
    world.write('a', 'other');
    const look = { entryId: entry.id, runId: 'r', round: 0 };
    const run = stepRun();
    await fingerprint(world.context, look, run);
    renameSync(join(world.folder, 'kept'), join(world.folder, 'a'));
    expect(await fingerprint(world.context, look, run)).toMatchObject({
      outcome: 'uploaded',
      unchanged: true,
    });
    expect(await world.catalog.rows('select outcome from versions order by observation')).toEqual([
      { outcome: 'uploaded' },
      { outcome: 'cancelled' },
    ]);
  });

  test('fingerprint of a file that went away in between makes nothing of the first version', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const look = { entryId: entry.id, runId: 'r', round: 0 };
    const run = stepRun();
    await fingerprint(world.context, look, run);
    world.remove('a');
    expect(await fingerprint(world.context, look, run)).toEqual({ next: 'changed' });
    expect(await fingerprint(world.context, { ...look, round: 1 }, run)).toMatchObject({
      outcome: 'vanished',
    });
  });

  test('admission, under another bundle, keeps the decision that was made', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const seen = await fingerprint(world.context, { entryId: entry.id, runId: 'r', round: 0 }, stepRun());
    if (seen.next !== 'admit') throw new Error('unreachable');
    expect(await admit(world.context, seen)).toEqual({ next: 'scan' });
    world.knobs.bundleRevision = 'c'.repeat(64);
    expect(await admit(world.context, seen)).toEqual({ next: 'scan' });
    expect(await world.catalog.rows(`select bundle_revision as b from decisions`)).toEqual([
      { b: 'b'.repeat(64) },
    ]);
  });

  test('all of them, after the end, give the same answer and write nothing', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const run = stepRun();
    const first = await protectOnce(world.context, entry, run);
    const count = () => world.catalog.rows('select count(*) as n from audit_events');
    const before = await count();
    expect(await protectOnce(world.context, entry, run)).toEqual(first);
    if (first.next !== 'settled') throw new Error('unreachable');
    expect(await untilUploaded(world.context, { versionId: first.versionId ?? '', large: false })).toEqual(
      first,
    );
    expect(await untilUploaded(world.context, { versionId: first.versionId ?? '', large: true })).toEqual(
      first,
    );
    expect(await count()).toEqual(before);
    expect(await world.versions()).toHaveLength(1);
  });

  test('after the end, when a change was told in between, is a new look', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const run = stepRun();
    await protectOnce(world.context, entry, run);
    // The workflow task was thrown away with its results, and the signal with the one that started the workflow.
    world.write('a', 'other');
    const hints = await world.catalog.hint([entry]);
    expect(await protectOnce(world.context, entry, run)).toEqual({ next: 'changed' });
    expect(await protectOnce(world.context, entry, run, 1)).toMatchObject({ outcome: 'uploaded' });
    expect(await world.versions()).toHaveLength(2);
    expect(await world.catalog.unsettled(hints)).toEqual([]);
  });

  test('before the end, when the same state was told again in between, answers that too', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const run = stepRun();
    await untilScanned(world.context, entry, run);
    const hints = await world.catalog.hint([entry]);
    expect(await protectOnce(world.context, entry, run)).toMatchObject({ outcome: 'uploaded' });
    expect(await world.catalog.unsettled(hints)).toEqual([]);
    expect(await world.catalog.rows('select count(*) as n from versions')).toEqual([{ n: 1 }]);
  });

  test('and found it held gives the same hold, from the first step on too', async () => {
    const world = await newWorld();
    world.knobs.release = denied('no');
    world.write('a', 'hello');
    const entry = await world.entry('a');
    const run = stepRun();
    const first = await protectOnce(world.context, entry, run);
    expect(first).toHaveProperty('holdId');
    expect(await protectOnce(world.context, entry, run)).toEqual(first);
  });

  test('and found it held gives the same hold', async () => {
    const world = await newWorld();
    world.knobs.release = denied('no');
    const scanned = await scannedFile(world);
    const first = await untilUploaded(world.context, scanned);
    expect(await untilUploaded(world.context, scanned)).toEqual(first);
    expect(first).toHaveProperty('holdId');
  });
});
