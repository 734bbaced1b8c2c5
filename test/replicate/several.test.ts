import { describe, expect, test } from 'vitest';
import { stepsOfVersion } from '../../src/catalog/audit-query.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { listRows } from '../../src/cli/rows.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { Id } from '../../src/domain/records.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { recordFailure } from '../../src/pipeline/record-failure.ts';
import { copySlice } from '../../src/replicate/slice.ts';
import { denied, noise, protectOnce, stepRun, untilScanned, untilUploaded } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type TwoDestinations, twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();
const newWorld = (): Promise<TwoDestinations> => twoDestinations(postgres());
const dayMs = 86_400_000;
const large = 9 * 1024 * 1024;

const away = (destination: string) => () => {
  throw new Failure('s3_unavailable', { destination, reason: 'ECONNREFUSED' });
};

async function protect(world: TwoDestinations, path: string, content: string | Buffer) {
  world.write(path, content);
  const settled = await protectOnce(world.context, await world.entry(path));
  if (settled.next !== 'settled' || settled.versionId === undefined) throw new Error('not settled');
  return { ...settled, versionId: settled.versionId };
}

/** What is sent whole and what in parts, and where a crash can come in between. */
const sizes = [
  ['small', 'a small file', ['after-intent', 'after-put', 'after-read-back', 'after-commit']],
  ['large', noise(large), ['after-part', 'before-complete', 'after-complete']],
] as const;

describe.each(sizes)('%s content', (_, content, points) => {
  test('goes to both under one sealing, each released, locked and read back for itself', async () => {
    const world = await newWorld();
    const { versionId, outcome } = await protect(world, 'a', content);
    expect(outcome).toBe('uploaded');
    expect(await world.placements(versionId)).toMatchObject({
      primary: { state: 'committed' },
      second: { state: 'committed' },
    });
    const [one] = await Array.fromAsync(world.primary.listVersions(''));
    const [other] = await Array.fromAsync(world.second.listVersions(''));
    if (!one || !other) throw new Error('an object is missing');
    expect(other.key.replace('far/away/', '')).toBe(one.key.replace('backup/', ''));
    expect((await world.second.get(other)).equals(await world.primary.get(one))).toBe(true);
    const sealings = await world.catalog.rows('select id from sealings');
    expect(sealings).toHaveLength(1);
    expect(world.releaseInputs.map(({ destination, lock }) => [destination.name, lock.days])).toEqual([
      ['primary', 7],
      ['second', 30],
    ]);
    const lock = (await world.second.head(other))?.lock;
    expect(lock?.retainUntil.getTime()).toBeGreaterThan(Date.now() + 29.9 * dayMs);
    const steps = (await world.events(versionId)).map(({ step }) => step);
    expect(steps.filter((step) => step === 'read_back' || step === 'commit')).toHaveLength(4);
  });

  test('one that is down delays only itself, and gets its copy from the other when it answers', async () => {
    const world = await newWorld();
    world.secondFault = away('second');
    const { versionId, outcome } = await protect(world, 'a', content);
    expect(outcome).toBe('uploaded');
    expect(await world.placements(versionId)).toMatchObject({
      primary: { state: 'committed' },
      second: { state: 'planned', reason: 'destination_unavailable' },
    });
    world.heal();
    world.remove('a');
    expect(await world.fill('second')).toMatchObject({ copied: 1, denied: 0, deferred: 0, isDone: true });
    expect(await world.placements(versionId)).toMatchObject({ second: { state: 'committed' } });
    expect(await world.outcome(versionId)).toEqual({ outcome: 'uploaded', reason: null });
    expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
    const [one] = await Array.fromAsync(world.primary.listVersions(''));
    const [other] = await Array.fromAsync(world.second.listVersions(''));
    if (!one || !other) throw new Error('an object is missing');
    expect((await world.second.get(other)).equals(await world.primary.get(one))).toBe(true);
    const lock = (await world.second.head(other))?.lock;
    expect(lock?.retainUntil.getTime()).toBeGreaterThan(Date.now() + 29.9 * dayMs);
  });

  test.each(points)('a crash at %s, wherever it comes, changes nothing', async (point) => {
    const world = await newWorld();
    world.write('a', content);
    const scanned = await untilScanned(world.context, await world.entry('a'));
    if ('next' in scanned) throw new Error('ended early');
    for (const count of [1, 2]) {
      let left = count;
      const dying = world.another({
        destinations: world.context.destinations,
        failPoints: {
          reach: (name) => {
            if (name === point && --left === 0) throw new Error('crash');
          },
        },
      });
      await untilUploaded(dying, scanned).catch(() => {});
    }
    expect(await untilUploaded(world.context, scanned, stepRun())).toMatchObject({ outcome: 'uploaded' });
    expect(await world.placements(scanned.versionId)).toMatchObject({
      primary: { state: 'committed' },
      second: { state: 'committed' },
    });
    expect(await Array.fromAsync(world.primary.listVersions(''))).toHaveLength(1);
    expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
    expect(await world.catalog.rows(`select 1 from intents where state = 'open'`)).toEqual([]);
    expect(await world.catalog.rows('select 1 from sealings')).toHaveLength(1);
  });
});

describe('where not all of them take it', () => {
  const content = 'a small file';

  test('with the first down the second takes it at once', async () => {
    const world = await newWorld();
    world.knobs.fault = away('primary');
    const { versionId } = await protect(world, 'a', content);
    expect(await world.placements(versionId)).toMatchObject({
      primary: { state: 'planned' },
      second: { state: 'committed' },
    });
  });

  test('with all of them down it waits for whichever answers first', async () => {
    const world = await newWorld();
    world.knobs.fault = away('primary');
    world.secondFault = away('second');
    world.write('a', content);
    const entry = await world.entry('a');
    const scanned = await untilScanned(world.context, entry);
    if ('next' in scanned) throw new Error('ended early');
    await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({
      code: 's3_unavailable',
      facts: { destination: expect.stringMatching(/^(primary,second|second,primary)$/) },
    });
    expect((await world.outcome(scanned.versionId)).outcome).toBeNull();
    world.heal();
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    expect(await world.placements(scanned.versionId)).toMatchObject({
      primary: { state: 'committed' },
      second: { state: 'committed' },
    });
  });

  test.each([
    ['primary', 'second'],
    ['second', 'primary'],
  ])('%s denies and holds its own copy; %s has the version, which counts as held', async (denying, other) => {
    const world = await newWorld();
    world.knobs.release = ({ destination }) =>
      destination.name === denying ? denied('destination_jurisdiction') : { allow: true, reasons: [] };
    const settled = await protect(world, 'a', content);
    expect(settled).toMatchObject({
      outcome: 'held',
      reason: 'destination_jurisdiction',
      holdId: expect.any(String),
    });
    expect(await world.placements(settled.versionId)).toMatchObject({
      [other]: { state: 'committed' },
      [denying]: { state: 'held' },
    });
    expect(await world.outcome(settled.versionId)).toMatchObject({ outcome: 'held' });
    const store = denying === 'second' ? world.second : world.primary;
    expect(await Array.fromAsync(store.listVersions(''))).toEqual([]);
  });

  test('where both deny, both holds are told', async () => {
    const world = await newWorld();
    world.knobs.release = denied('transport');
    const settled = await protect(world, 'a', content);
    expect(settled).toMatchObject({ outcome: 'held', otherHoldIds: [expect.any(String)] });
  });

  test('one that lies on reading back makes the version fail, with the other copy whole', async () => {
    const world = await newWorld();
    const put = world.second.put.bind(world.second);
    world.second.put = async (request) => {
      const answer = await put(request);
      if (answer.kind === 'stored')
        world.second.relock({ key: request.key, versionId: answer.versionId }, undefined);
      return answer;
    };
    world.write('a', content);
    const entry = await world.entry('a');
    const run = stepRun();
    const scanned = await untilScanned(world.context, entry, run);
    if ('next' in scanned) throw new Error('ended early');
    await expect(untilUploaded(world.context, scanned, run)).rejects.toMatchObject({ code: 'lock_mismatch' });
    const failed = { entryId: entry.id, runId: 'run', round: 0, code: 'lock_mismatch' };
    await recordFailure(world.context, failed, run);
    expect(await world.outcome(scanned.versionId)).toEqual({ outcome: 'failed', reason: 'lock_mismatch' });
    expect(await world.placements(scanned.versionId)).toEqual({
      primary: { state: 'committed', reason: null },
      second: { state: 'failed', reason: 'lock_mismatch' },
    });
  });

  test.each(['put', 'head', 'facts'])(
    'one that is full, or fails at %s, is copied to later',
    async (failing) => {
      const world = await newWorld();
      world.secondFault = ({ operation }) => {
        if (operation === failing) away('second')();
      };
      const { versionId, outcome } = await protect(world, 'a', content);
      expect(outcome).toBe('uploaded');
      expect(await world.placements(versionId)).toMatchObject({ second: { state: 'planned' } });
      world.heal();
      await world.fill('second');
      expect(await world.placements(versionId)).toMatchObject({ second: { state: 'committed' } });
      expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
    },
  );
});

test.each([
  ['small', 'first', 'update intents set sealed_sha256 = sha256($$something else$$)'],
  ['large', noise(large), 'update intent_parts set sha256 = sha256($$something else$$)'],
] as const)(
  '%s bytes that come out otherwise are sealed anew, never under the same IV',
  async (size, content, otherwise) => {
    const world = await newWorld();
    const { versionId } = await protect(world, 'a', content);
    const before = await world.catalog.rows<{ iv: Buffer }>('select iv from sealings');
    const [copy] = await Array.fromAsync(world.second.listVersions(''));
    if (!copy) throw new Error('no object');
    world.second.lose(copy);
    // As if the second had been down until now, and this program sealed otherwise than the one before.
    await world.asOwner(`delete from placements where destination = 'second';
    delete from objects where destination = 'second';
    delete from intent_parts where intent_id in (select id from intents where destination = 'second');
    delete from intents where destination = 'second'; ${otherwise}; update versions set outcome = null;
    delete from audit_events where event ->> 'destination' = 'second'`);
    const scanned = { versionId, large: size === 'large' };
    expect(await untilUploaded(world.context, scanned)).toMatchObject({ outcome: 'uploaded' });
    const after = await world.catalog.rows<{ iv: Buffer }>('select iv from sealings order by generation');
    expect(after).toHaveLength(2);
    expect(before[0]?.iv.equals(after[1]?.iv ?? Buffer.alloc(0))).toBe(false);
    const [stored] = await Array.fromAsync(world.second.listVersions(''));
    const [sealing] = await world.catalog.rows<{ generation: number }>(
      `select s.generation from objects o join sealings s on s.id = o.sealing_id where o.destination = 'second'`,
    );
    expect(stored).toBeDefined();
    expect(sealing).toEqual({ generation: 1 });
  },
);

test('a file that changes between two destinations is kept as it reached the first, and looked at again', async () => {
  const world = await newWorld();
  world.write('a', 'one');
  const scanned = await untilScanned(world.context, await world.entry('a'));
  if ('next' in scanned) throw new Error('ended early');
  let committed = false;
  const context = world.another({
    destinations: world.context.destinations,
    failPoints: {
      reach: (name) => {
        if (name !== 'after-commit' || committed) return;
        committed = true;
        throw new Error('crash');
      },
    },
  });
  await untilUploaded(context, scanned).catch(() => {});
  world.write('a', 'two');
  expect(await untilUploaded(world.context, scanned)).toEqual({ next: 'changed' });
  expect(await world.outcome(scanned.versionId)).toEqual({ outcome: 'uploaded', reason: null });
  expect(await world.placements(scanned.versionId)).toMatchObject({
    second: { state: 'planned', reason: 'source_changed' },
  });
  // That a destination lacks it for now is on record, by destination and reason.
  const told = await stepsOfVersion(world.catalog, scanned.versionId);
  expect(told.filter(({ step }) => step === 'placement')).toMatchObject([
    { destination: 'second', facts: { state: 'planned', reason: 'source_changed' } },
  ]);
  await world.fill('second');
  expect(await world.contents(world.second)).toEqual(['one']);
});

test('known content shares the objects of each destination', async () => {
  const world = await newWorld();
  await protect(world, 'a', 'same');
  const second = await protect(world, 'b', 'same');
  expect(second.outcome).toBe('duplicate');
  expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
});

describe('filling', () => {
  test('takes the oldest plans first, shares what is there, and asks release for each', async () => {
    const world = await newWorld();
    world.secondFault = away('second');
    const ids: Id[] = [];
    for (const name of ['a', 'b', 'c'])
      ids.push((await protect(world, name, name === 'c' ? 'a' : name)).versionId);
    world.heal();
    world.releaseInputs.length = 0;
    expect(await world.fill('second')).toMatchObject({ copied: 3, deferred: 0, isDone: true });
    for (const id of ids)
      expect(await world.placements(id)).toMatchObject({ second: { state: 'committed' } });
    expect(await world.contents(world.second)).toEqual(['a', 'b']);
    expect(new Set(world.releaseInputs.map(({ sealing }) => sealing.basis))).toEqual(
      new Set(['sealed-bytes', 'existing-object']),
    );
    expect((await world.outcome(ids[2] as Id)).outcome).toBe('duplicate');
  });

  test('what release denies gets no copy, and is none the worse for it', async () => {
    const world = await newWorld();
    world.secondFault = away('second');
    const { versionId } = await protect(world, 'a', 'a');
    world.heal();
    world.knobs.release = denied('destination_classification');
    expect(await world.fill('second')).toMatchObject({ copied: 0, denied: 1, isDone: true });
    expect(await world.placements(versionId)).toMatchObject({
      second: { state: 'denied', reason: 'destination_classification' },
    });
    expect((await world.outcome(versionId)).outcome).toBe('uploaded');
    expect(await Array.fromAsync(world.second.listVersions(''))).toEqual([]);
  });

  test.each(sizes)('never sends on damaged bytes (%s)', async (_, content) => {
    const world = await newWorld();
    world.secondFault = away('second');
    const { versionId } = await protect(world, 'a', content);
    world.heal();
    const [object] = await Array.fromAsync(world.primary.listVersions(''));
    if (!object) throw new Error('no object');
    world.primary.damage(object, (body) => {
      body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
      return body;
    });
    expect(await world.fill('second')).toMatchObject({ copied: 0, deferred: 1 });
    expect(await world.placements(versionId)).toMatchObject({ second: { state: 'planned' } });
    expect(await Array.fromAsync(world.second.listVersions(''))).toEqual([]);
  });

  test.each(sizes)('killed anywhere it goes on where it stopped (%s)', async (_, content, points) => {
    for (const point of points) {
      const world = await newWorld();
      world.secondFault = away('second');
      const { versionId } = await protect(world, 'a', content);
      world.heal();
      const dying = {
        ...world,
        context: world.another({
          destinations: world.context.destinations,
          failPoints: {
            reach: (name) => {
              if (name === point) throw new Error('crash');
            },
          },
        }),
      };
      await copySlice(dying.context, { destination: 'second', sliceMs: 60_000 }, stepRun()).catch(() => {});
      await reconcile(world.context);
      await world.fill('second');
      expect(await world.placements(versionId), point).toMatchObject({ second: { state: 'committed' } });
      expect(await Array.fromAsync(world.second.listVersions('')), point).toHaveLength(1);
      expect(await world.catalog.rows(`select 1 from intents where state = 'open'`)).toEqual([]);
    }
  });

  test('a reconciler that comes by leaves it alone', async () => {
    const world = await newWorld();
    world.secondFault = away('second');
    const { versionId } = await protect(world, 'a', 'a');
    world.heal();
    const put = world.second.put.bind(world.second);
    world.second.put = async (request) => {
      await reconcile(world.context);
      return put(request);
    };
    await world.fill('second');
    expect(await world.placements(versionId)).toMatchObject({ second: { state: 'committed' } });
    const states = await world.catalog.rows<{ state: string }>(
      'select distinct state from intents where copies',
    );
    expect(states).toEqual([{ state: 'committed' }]);
  });

  test('a destination that goes away in the middle stops it; nothing is lost', async () => {
    const world = await newWorld();
    world.secondFault = away('second');
    const { versionId } = await protect(world, 'a', 'a');
    world.heal();
    world.secondFault = ({ operation, moment }) => {
      if (operation === 'put' && moment === 'after') away('second')();
    };
    await expect(world.fill('second')).rejects.toMatchObject({ code: 's3_unavailable' });
    world.heal();
    await world.fill('second');
    expect(await world.placements(versionId)).toMatchObject({ second: { state: 'committed' } });
    expect(await Array.fromAsync(world.second.listVersions(''))).toHaveLength(1);
  });
});

test('a version that one destination holds can be restored from the other', async () => {
  const world = await newWorld();
  world.knobs.release = ({ destination }) =>
    destination.name === 'second' ? denied('destination_jurisdiction') : { allow: true, reasons: [] };
  const { versionId } = await protect(world, 'a', 'content');
  const found: (Id | undefined)[] = [];
  const sourceId = world.context.ids.source('docs');
  for await (const { version } of catalogIndex(world.catalog).rows(
    { sourceId, path: Buffer.alloc(0) },
    'tree',
  ))
    found.push(version?.id);
  expect(found).toEqual([versionId]);
});

test('a large upload goes on with the others while one destination breaks promises, and then says so', async () => {
  const world = await newWorld();
  const complete = world.primary.completeMultipart.bind(world.primary);
  world.primary.completeMultipart = async (request) => {
    const answer = await complete(request);
    if (answer.kind === 'stored')
      world.primary.relock({ key: request.key, versionId: answer.versionId }, undefined);
    return answer;
  };
  world.primary.extendLock = async ({ lock }) => lock;
  world.write('a', noise(large));
  const scanned = await untilScanned(world.context, await world.entry('a'));
  if ('next' in scanned) throw new Error('ended early');
  await expect(untilUploaded(world.context, scanned)).rejects.toMatchObject({ code: 'lock_mismatch' });
  expect(await world.placements(scanned.versionId)).toMatchObject({ second: { state: 'committed' } });
});

test('what lacks a copy in a destination can be listed', async () => {
  const world = await newWorld();
  await protect(world, 'everywhere', 'a');
  world.secondFault = away('second');
  await protect(world, 'here alone', 'b');
  const paths = async (lacking: string) =>
    (await Array.fromAsync(listRows(world.catalog, { deleted: false, lacking }))).map(({ path }) => path);
  expect(await paths('second')).toEqual(['here alone']);
  expect(await paths('primary')).toEqual([]);
});
