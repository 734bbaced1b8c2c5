import { linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { systemCalls } from '../../src/files/system-calls.ts';
import { sealAndUpload } from '../../src/pipeline/seal-and-upload.ts';
import { Semaphore } from '../../src/pipeline/semaphore.ts';
import {
  denied,
  headOf,
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

async function protectFile(world: World, path: string, content = 'same content') {
  world.write(path, content);
  return protectOnce(world.context, await world.entry(path));
}

test('names of one file that are looked at together are hard links of one of them, and stay so', async () => {
  const world = await newWorld();
  const names = ['a', 'b', 'c', 'd'];
  world.write('a', 'one file');
  for (const name of names.slice(1)) linkSync(join(world.folder, 'a'), join(world.folder, name));
  world.write('other', 'one file');
  const look = async (name: string) => protectOnce(world.context, await world.entry(name));
  const links = async () => {
    const rows = await world.catalog.rows<{ path: Buffer; hardlink: string | null }>(
      'select e.path, v.hardlink from entries e join versions v on v.id = e.head_version_id order by e.path',
    );
    return rows.map(({ path, hardlink }) => `${path} ${hardlink ?? 'first'}`);
  };
  await Promise.all([...names, 'other'].map(look));
  const found = await links();
  const firsts = found.filter((line) => line.endsWith(' first')).map((line) => line.split(' ')[0] ?? '');
  expect(firsts).toHaveLength(2);
  expect(firsts).toContain('other');
  const first = world.context.ids.entry((await world.entry('a')).sourceId, Buffer.from(firsts[0] ?? ''));
  expect(found.filter((line) => line.endsWith(first))).toHaveLength(3);
  expect(await look('b')).toMatchObject({ unchanged: true });
  // A change is seen through every name, and leads to no other first one.
  world.write('c', 'another content');
  await Promise.all(names.map(look));
  expect(await links()).toEqual(found);
});

test('files that become one, or cease to be, get versions although their content stays', async () => {
  const world = await newWorld();
  const at = (name: string): string => join(world.folder, name);
  for (const name of ['a', 'b']) {
    world.write(name, 'equal');
    systemCalls()?.setMtime(Buffer.from(at(name)), 5n);
  }
  const look = async (name: string) => {
    await protectOnce(world.context, await world.entry(name));
    const entry = await world.entry(name);
    return (await headOf(world, entry.id))?.hardlink;
  };
  const { id } = await world.entry('a');
  expect([await look('a'), await look('b')]).toEqual([undefined, undefined]);
  rmSync(at('b'));
  linkSync(at('a'), at('b'));
  expect([await look('a'), await look('b')]).toEqual([undefined, id]);
  rmSync(at('b'));
  world.write('b', 'equal');
  systemCalls()?.setMtime(Buffer.from(at('b')), 5n);
  expect([await look('a'), await look('b')]).toEqual([undefined, undefined]);
  expect(await world.versions()).toHaveLength(1);
});

describe('known content at a new path', () => {
  test('rests on the object that is there, after a release of its own', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    world.calls.length = 0;
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'duplicate' });
    expect(world.calls).not.toContain('put');
    expect(await world.versions()).toHaveLength(1);
    expect(world.releaseInputs.map((input) => input.sealing.basis)).toEqual([
      'sealed-bytes',
      'existing-object',
    ]);
    expect(world.scannedBytes).toHaveLength(1);
    expect(
      await world.catalog.rows('select count(distinct object_id) as n, count(*) as m from placements'),
    ).toEqual([{ n: 1, m: 2 }]);
    expect(await world.catalog.rows('select 1 from reservations')).toEqual([]);
  });

  test('is scanned again once the signatures are others', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, signatureRevision: 'r2' };
    await protectFile(world, 'b');
    expect(world.scannedBytes).toHaveLength(2);
  });

  test('is never taken for clean because it once was not scanned', async () => {
    const world = await newWorld();
    if (typeof world.knobs.verdict === 'function') throw new Error('unreachable');
    world.knobs.verdict = { ...world.knobs.verdict, state: 'not_scanned', reason: 'too_large' };
    await protectFile(world, 'a');
    await protectFile(world, 'b');
    expect(world.scannedBytes).toHaveLength(2);
  });

  test('invariant 1: denied by release is held, although the object is there', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    world.knobs.release = denied('not_this_one');
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'held', reason: 'not_this_one' });
    expect(await world.versions()).toHaveLength(1);
    expect(await world.catalog.rows(`select state from placements order by state`)).toEqual([
      { state: 'committed' },
      { state: 'held' },
    ]);
  });

  test('under another key scope is sealed on its own', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    world.knobs.admission = { ...world.knobs.admission, scope: 'restricted' };
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'uploaded' });
    expect(await world.versions()).toHaveLength(2);
  });

  test('invariant 4: that needs a stronger lock mode never rests on a weaker one', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    const { admission } = world.knobs;
    world.knobs.admission = { ...admission, retention: { ...admission.retention, mode: 'COMPLIANCE' } };
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'uploaded' });
    const locks = await Promise.all((await world.versions()).map((version) => world.store.head(version)));
    expect(locks.map((facts) => facts?.lock?.mode).sort()).toEqual(['COMPLIANCE', 'GOVERNANCE']);
  });

  test('invariant 4: rests on a lock that covers the duplicate too, and says so', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    world.knobs.storeAheadMs = 5 * dayMs;
    await protectFile(world, 'b');
    const [version] = await world.versions();
    const lock = (await world.store.head(version as never))?.lock;
    const floor = Date.now() + world.knobs.storeAheadMs + 7 * dayMs;
    expect(lock?.retainUntil.getTime()).toBeGreaterThan(floor - 5_000);
    expect(await world.catalog.rows('select retain_until as until from objects')).toEqual([
      { until: lock?.retainUntil },
    ]);
  });

  test('invariant 4: a lock that is longer already is not shortened', async () => {
    const world = await newWorld();
    if (typeof world.knobs.admission === 'function') throw new Error('unreachable');
    const { admission } = world.knobs;
    world.knobs.admission = { ...admission, retention: { ...admission.retention, days: 30 } };
    await protectFile(world, 'a');
    const [version] = await world.versions();
    const before = (await world.store.head(version as never))?.lock;
    world.knobs.admission = admission;
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'duplicate' });
    expect((await world.store.head(version as never))?.lock).toEqual(before);
  });

  test('invariant 4: a store that will not extend the lock gives no duplicate', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    world.knobs.storeAheadMs = 5 * dayMs;
    const [version] = await world.versions();
    const present = (await world.store.head(version as never))?.lock;
    world.store.extendLock = async () => present ?? { mode: 'GOVERNANCE', retainUntil: new Date(0) };
    await expect(protectFile(world, 'b')).rejects.toMatchObject({ code: 'lock_refused' });
    expect(await world.catalog.rows(`select count(*) as n from placements`)).toEqual([{ n: 1 }]);
  });

  test('invariant 3: whose object is gone from the bucket is sealed anew, and the loss is told', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    const [lost] = await world.versions();
    world.knobs.storeAheadMs = 8 * dayMs;
    await world.store.deleteVersion(lost as never);
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'uploaded' });
    const [version, ...others] = await world.versions();
    expect(others).toEqual([]);
    expect(version?.versionId).not.toBe(lost?.versionId);
    expect(await world.catalog.rows(`select state from objects order by state`)).toEqual([
      { state: 'deleted' },
      { state: 'live' },
    ]);
    expect(
      await world.catalog.rows(`select event -> 'facts' ->> 'what' as what from audit_events
        where event ->> 'step' = 'incident'`),
    ).toEqual([{ what: 'object_missing' }]);
  });

  test('invariant 3: of which two objects are gone, tells of both', async () => {
    const world = await newWorld();
    await protectFile(world, 'a');
    // Two objects of one content come about when the owner of the reservation took longer than its lease.
    const [first] = await world.catalog.rows<{ id: string }>('select id from objects');
    await world.catalog.rows(
      `insert into objects (id, destination, key, s3_version_id, length, sealing_id, sha512, scope, format, lock_mode,
         retain_until, state) select 'second', destination, key, 'no such', length, sealing_id, sha512, scope, format,
         lock_mode, retain_until + interval '1 day', state from objects where id = $1`,
      [first?.id],
    );
    const [lost] = await world.versions();
    world.knobs.storeAheadMs = 8 * dayMs;
    await world.store.deleteVersion(lost as never);
    expect(await protectFile(world, 'b')).toMatchObject({ outcome: 'uploaded' });
    expect(
      await world.catalog.rows(`select count(*) as n from audit_events where event ->> 'step' = 'incident'`),
    ).toEqual([{ n: 2 }]);
  });
});

describe('equal files at once', () => {
  test('50 of them, from several workers, become one object and 49 duplicates', async () => {
    const world = await newWorld();
    const paths = Array.from({ length: 50 }, (_, i) => `copy ${i}`);
    for (const path of paths) world.write(path, 'same content');
    const entries = await Promise.all(paths.map((path) => world.entry(path)));
    const settled = await Promise.all(entries.map((entry) => protectOnce(world.context, entry)));
    const outcomes = settled.map((answer) => (answer.next === 'settled' ? answer.outcome : answer.next));
    expect(outcomes.filter((outcome) => outcome === 'uploaded')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(49);
    expect(await world.versions()).toHaveLength(1);
    expect(world.calls.filter((call) => call === 'put')).toHaveLength(1);
  }, 60_000);

  test('the loser waits, and goes on alone if the owner ends otherwise than uploaded', async () => {
    const world = await newWorld();
    world.write('a', 'same content');
    world.write('b', 'same content');
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (path) => untilScanned(world.context, await world.entry(path))),
    );
    if (a === undefined || b === undefined || 'next' in a || 'next' in b) throw new Error('unreachable');
    world.knobs.fault = () => {
      throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    };
    await expect(sealAndUpload(world.context, a, stepRun())).rejects.toMatchObject({
      code: 's3_unavailable',
    });
    world.knobs.fault = () => {};
    expect(await sealAndUpload(world.context, b, stepRun())).toEqual({ next: 'wait' });
    // The owner's file changes: its version ends, and the reservation with it.
    world.write('a', 'other');
    expect(await untilUploaded(world.context, a)).toEqual({ next: 'changed' });
    expect(await sealAndUpload(world.context, b, stepRun())).toMatchObject({ outcome: 'uploaded' });
  });
});

describe('a full process', () => {
  test('says busy instead of waiting longer than it may, and has done nothing', async () => {
    const world = await newWorld();
    world.write('a', 'hello');
    const scanned = await untilScanned(world.context, await world.entry('a'));
    if ('next' in scanned) throw new Error('unreachable');
    const upload = new Semaphore(1);
    const full = world.another({ semaphores: { ...world.context.semaphores, upload } });
    let leave = (): void => {};
    const occupied = upload.run(
      () =>
        new Promise<void>((resolve) => {
          leave = resolve;
        }),
      0,
    );
    await expect(sealAndUpload(full, scanned, stepRun('r', 50))).rejects.toMatchObject({ name: 'Busy' });
    expect(world.calls).toEqual([]);
    leave();
    await occupied;
    expect(await sealAndUpload(full, scanned, stepRun('r', 50))).toMatchObject({ outcome: 'uploaded' });
  });
});

describe('Semaphore', () => {
  test('never runs more at once than it has places, in the order they came', async () => {
    const semaphore = new Semaphore(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        semaphore.run(async () => {
          most = Math.max(most, ++running);
          order.push(i);
          await sleep(2);
          running--;
        }, 1_000),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('gives its place back when the work fails, and loses none to those that gave up', async () => {
    const semaphore = new Semaphore(1);
    await expect(
      semaphore.run(async () => {
        throw new Error('failed');
      }, 10),
    ).rejects.toThrow('failed');
    const slow = semaphore.run(() => sleep(60), 10);
    const impatient = await Promise.allSettled([1, 2, 3].map(() => semaphore.run(async () => 0, 5)));
    expect(impatient.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    await slow;
    expect(await semaphore.run(async () => 'in', 10)).toBe('in');
    expect(await semaphore.run(async () => 'in', 10)).toBe('in');
  });
});
