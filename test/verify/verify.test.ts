import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { unsound } from '../../src/catalog/verify-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import type { Settled } from '../../src/domain/steps.ts';
import { mismatches } from '../../src/verify/finding.ts';
import { readVerifyFact } from '../../src/verify/recorded-run.ts';
import { standingWarnings, verifyStanding } from '../../src/verify/standing.ts';
import { noise, protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { verifyWorld } from './world.ts';

const postgres = usePostgres();
const dayMs = 86_400_000;
const flipLast = (body: Buffer): Buffer => {
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  return body;
};
const flipAt =
  (offset: number) =>
  (body: Buffer): Buffer => {
    body[offset] = (body[offset] ?? 0) ^ 1;
    return body;
  };

describe('what is as it was promised', () => {
  test('is found so: small, large, shared, and read to its hash', async () => {
    const world = await verifyWorld(postgres());
    await world.protect('a.txt', 'one');
    await world.protect('same.txt', 'one');
    await world.protect('large.bin', noise(9 * 1024 * 1024));
    const found = await world.verify({ readSample: 1, inventory: true });
    expect(found.told).toEqual([]);
    expect(found).toMatchObject({ checked: 2, read: 2, bytesRead: 9 * 1024 * 1024 + 3, complete: true });
    expect(found.coverage).toMatchObject({ live: 2, neverChecked: 0, neverRead: 0 });
    expect(await unsound(world.catalog)).toEqual({ objects: 0, manifests: 0, lostEntries: 0 });
    const runs = await world.catalog.rows(`select kind, result, totals from run_log where kind = 'verify'`);
    expect(runs).toMatchObject([{ result: 'complete', totals: { checked: 2, read: 2, mismatches: 0 } }]);
    expect(await readVerifyFact(world.catalog)).toMatchObject({ checked: 2, mismatches: 0 });
  });

  test('a lock that has ended binds nobody any more', async () => {
    const world = await verifyWorld(postgres());
    const object = await world.protect('a.txt', 'one');
    world.store.relock(object, undefined);
    world.knobs.storeAheadMs = 8 * dayMs;
    expect((await world.verify()).told).toEqual([]);
  });

  test('a delete marker and foreign versions over an object do no harm to it', async () => {
    const world = await verifyWorld(postgres());
    const { key } = await world.protect('a.txt', 'one');
    world.store.plantVersion(key, Buffer.from('garbage'));
    world.store.plantDeleteMarker(key);
    expect((await world.verify({ readSample: 1 })).told).toEqual([]);
  });
});

describe('what is not', () => {
  test('a missing object: its file is uploaded anew by the next look', async () => {
    const world = await verifyWorld(postgres());
    const lost = await world.protect('a.txt', 'one');
    const shared = await world.protect('same.txt', 'one');
    expect(shared.objectId).toBe(lost.objectId);
    world.store.lose(lost);
    const found = await world.verify();
    expect(found.findings).toEqual({ missing: 1 });
    expect(found.told).toMatchObject([
      {
        kind: 'missing',
        subject: 'content',
        destination: 'primary',
        key: lost.key,
        remedy: 'upload anew',
        affected: [{ source: 'docs' }, { source: 'docs' }],
      },
    ]);
    expect(found.told[0]?.affected?.map(({ path }) => path.toString()).sort()).toEqual(['a.txt', 'same.txt']);
    expect(await unsound(world.catalog)).toMatchObject({ objects: 0, lostEntries: 2 });
    expect(standingWarnings(await verifyStanding(world.catalog))).toEqual([
      expect.stringMatching(/stored of 2 files is lost/),
    ]);
    expect(
      await world.catalog.rows(
        `select event -> 'facts' as facts from audit_events where event ->> 'step' = 'incident'`,
      ),
    ).toEqual([
      {
        facts: expect.objectContaining({
          what: 'missing',
          subject: 'content',
          object: lost.objectId,
          remedy: 'upload anew',
        }),
      },
      { facts: expect.objectContaining({ kind: 'tampering', about: lost.objectId, what: 'missing' }) },
    ]);
    expect(await world.catalog.rows('select kind, subject, state from incidents')).toEqual([
      { kind: 'tampering', subject: lost.objectId, state: 'open' },
    ]);
    const again = (await protectOnce(world.context, await world.entry('a.txt'))) as Settled;
    expect(again).toMatchObject({ outcome: 'uploaded' });
    expect(await protectOnce(world.context, await world.entry('same.txt'))).toMatchObject({
      outcome: 'duplicate',
    });
    expect((await world.verify({ readSample: 1 })).told).toEqual([]);
    expect(await unsound(world.catalog)).toMatchObject({ lostEntries: 0 });
  });

  test('other bytes under the same version: found by reading, and by length or checksum without', async () => {
    const world = await verifyWorld(postgres());
    const flipped = await world.protect('flipped.txt', 'one');
    const large = await world.protect('large.bin', noise(9 * 1024 * 1024));
    const cut = await world.protect('cut.txt', 'three');
    world.store.damage(flipped, flipLast);
    world.store.damage(large, flipAt(5 * 1024 * 1024));
    expect((await world.verify()).told).toEqual([]);
    world.store.damage(cut, (body) => body.subarray(1));
    expect((await world.verify({ repair: false })).told).toMatchObject([{ kind: 'tampered', key: cut.key }]);
    const found = await world.verify({ readSample: 1 });
    expect(found.told.map(({ kind, key, remedy }) => [kind, key, remedy]).sort()).toEqual(
      [flipped, large, cut].map(({ key }) => ['tampered', key, 'upload anew']).sort(),
    );
    expect(await protectOnce(world.context, await world.entry('flipped.txt'))).toMatchObject({
      outcome: 'uploaded',
    });
  });

  test('a shorter lock is extended again; one that cannot be is told each time, and no duplicate rests on it', async () => {
    const world = await verifyWorld(postgres());
    const { key, versionId, objectId } = await world.protect('a.txt', 'one');
    const until = (await world.store.head({ key, versionId }))?.lock?.retainUntil ?? new Date(0);
    const short = { mode: 'GOVERNANCE', retainUntil: new Date(Date.now() + dayMs) } as const;
    world.store.relock({ key, versionId }, short);
    expect((await world.verify({ repair: false })).told).toMatchObject([{ kind: 'lock_mismatch' }]);
    expect(await unsound(world.catalog)).toMatchObject({ objects: 1 });
    expect((await world.verify()).told).toMatchObject([{ kind: 'lock_mismatch', remedy: 'lock extended' }]);
    expect((await world.store.head({ key, versionId }))?.lock?.retainUntil.getTime()).toBeGreaterThanOrEqual(
      until.getTime(),
    );
    expect((await world.verify()).told).toEqual([]);

    await world.asOwner(`update objects set lock_mode = 'COMPLIANCE' where id = '${objectId}'`);
    for (const _ of [1, 2]) {
      const [told] = (await world.verify()).told;
      expect(told).toMatchObject({ kind: 'lock_mismatch' });
      expect(told?.remedy).toBeUndefined();
    }
    await world.asOwner(`update objects set lock_mode = 'GOVERNANCE' where id = '${objectId}'`);
    const other = await world.protect('same.txt', 'one');
    expect(other.objectId).not.toBe(objectId);
  });

  test('an object without any lock', async () => {
    const world = await verifyWorld(postgres());
    const object = await world.protect('a.txt', 'one');
    world.store.relock(object, undefined);
    expect((await world.verify({ repair: false })).told).toMatchObject([{ kind: 'lock_mismatch' }]);
  });

  test('content that no key opens, unless its scope was shredded', async () => {
    const world = await verifyWorld(postgres());
    await world.protect('a.txt', 'one');
    const keys = { byId: () => undefined };
    const found = await world.verify({ readSample: 1 }, { keys });
    expect(found.told).toMatchObject([{ kind: 'unreadable', subject: 'content' }]);
    expect(mismatches(found.findings)).toBe(1);
    await world.catalog.rows(
      `insert into scope_shreddings (scope_id, scope, requested_by, pending_until, state) values ('x', 'default', 'me', now(), 'done')`,
    );
    const shredded = await world.verify({ readSample: 1 }, { keys });
    expect(shredded).toMatchObject({ told: [], shredded: 1 });
    expect(await unsound(world.catalog)).toMatchObject({ objects: 0 });
  });

  test('in a bucket without our keyring nothing counts as lost: it is another bucket', async () => {
    const world = await verifyWorld(postgres());
    const object = await world.protect('a.txt', 'one');
    world.store.lose(object);
    const keyring = [{ name: 'keys/root/00000001', bytes: Buffer.from('{}') }];
    const found = await world.verify({}, { keyring });
    expect(found.told.map(({ kind, subject, remedy }) => [subject, kind, remedy])).toEqual([
      ['keyring', 'missing', undefined],
      ['content', 'missing', undefined],
    ]);
    expect(await unsound(world.catalog)).toMatchObject({ objects: 1, lostEntries: 0 });
  });
});

describe('the keyring', () => {
  const documents = ['keys/root/00000001', `keys/scope/${'a'.repeat(32)}/${'b'.repeat(32)}`].map((name) => ({
    name,
    bytes: randomBytes(300),
  }));

  test('must lie there, unaltered, under a lock; planted versions do not hide it', async () => {
    const world = await verifyWorld(postgres());
    const [root, scope] = documents as [(typeof documents)[0], (typeof documents)[0]];
    const lock = { mode: 'GOVERNANCE', days: 7 } as const;
    await world.store.putSmallDocument({ key: `backup/${root.name}`, body: root.bytes, lock });
    world.store.plantVersion(`backup/${root.name}`, randomBytes(300));
    world.store.plantVersion(`backup/${scope.name}`, randomBytes(300));
    expect((await world.verify({}, { keyring: documents })).told).toMatchObject([
      { kind: 'missing', key: `backup/${scope.name}` },
    ]);
    world.store.plantVersion(`backup/${scope.name}`, scope.bytes);
    const found = await world.verify({}, { keyring: documents });
    expect(found.keyringDocuments).toBe(2);
    expect(found.told.map(({ kind, key }) => [kind, key])).toEqual([
      ['lock_mismatch', `backup/${scope.name}`],
    ]);
    await world.catalog.rows(
      `insert into scope_shreddings (scope_id, scope, requested_by, pending_until, state) values ($1, 's', 'me', now(), 'pending')`,
      ['a'.repeat(32)],
    );
    expect((await world.verify({}, { keyring: documents })).told).toEqual([]);
  });
});

describe('a sample', () => {
  test('of 5 % reaches every object in twenty runs, and reads them all in as many', async () => {
    const world = await verifyWorld(postgres());
    for (let n = 0; n < 40; n++) await world.protect(`f${n}`, `content ${n}`);
    for (let n = 1; n <= 20; n++) {
      const found = await world.verify({ sample: 0.05, readSample: 0.05 });
      expect(found).toMatchObject({ read: 2, told: [], coverage: { live: 40, neverRead: 40 - 2 * n } });
      // Those that were read were looked at too.
      expect(found.checked).toBeLessThanOrEqual(4);
      await sleep(2);
    }
    expect((await world.verify({ sample: 0.05 })).coverage.allCheckedSince).not.toBeNull();
  });

  test('takes those of longest ago first, also when objects come meanwhile', async () => {
    const world = await verifyWorld(postgres());
    for (let n = 0; n < 10; n++) await world.protect(`f${n}`, `content ${n}`);
    await world.verify();
    const late = await world.protect('late', 'late content');
    world.store.lose(late);
    expect((await world.verify({ sample: 0.05 })).told).toMatchObject([{ kind: 'missing', key: late.key }]);
  });

  test('goes on where a run that was cut off stopped', async () => {
    const world = await verifyWorld(postgres());
    for (let n = 0; n < 10; n++) await world.protect(`f${n}`, `content ${n}`);
    const runId = newRunId();
    let heads = 0;
    world.knobs.fault = ({ operation, moment }) => {
      if (operation === 'head' && moment === 'before' && ++heads > 4)
        throw new Failure('s3_unavailable', { destination: 'primary', reason: 'test' });
    };
    await expect(world.verify({ runId, jobs: 1 })).rejects.toMatchObject({ code: 's3_unavailable' });
    world.knobs.fault = () => {};
    const found = await world.verify({ runId, jobs: 1 });
    expect(found).toMatchObject({ checked: 6, coverage: { neverChecked: 0 } });
    expect(await world.catalog.rows(`select result from run_log where id = $1`, [runId])).toEqual([
      { result: 'complete' },
    ]);
    const told = await world.catalog.rows<{ result: string }>(
      `select event -> 'facts' ->> 'result' as result from audit_events where event ->> 'step' = 'verify' order by at`,
    );
    expect(told.map(({ result }) => result)).toEqual(['failed', 'complete']);
  });

  test('that is tried again takes no more than its share', async () => {
    const world = await verifyWorld(postgres());
    for (let n = 0; n < 10; n++) await world.protect(`f${n}`, `content ${n}`);
    const runId = newRunId();
    expect(await world.verify({ runId, sample: 0.5 })).toMatchObject({ checked: 5 });
    expect(await world.verify({ runId, sample: 0.5 })).toMatchObject({ checked: 0 });
  });

  test('ends when its time is up, and the next one goes on', async () => {
    const world = await verifyWorld(postgres());
    await world.protect('a', 'one');
    const found = await world.verify({ until: new Date(Date.now() - 1) });
    expect(found).toMatchObject({ checked: 0, complete: false });
    expect(await world.verify()).toMatchObject({ checked: 1, complete: true });
  });

  test('of a path looks at what its versions rest on, old ones too', async () => {
    const world = await verifyWorld(postgres());
    const old = await world.protect('folder.txt', 'old');
    await world.protect('folder.txt', 'new content');
    await world.protect('other.txt', 'other');
    world.store.lose(old);
    const { sourceId } = await world.entry('folder.txt');
    expect(await world.verify({ scope: { sourceId, path: Buffer.from('other.txt') } })).toMatchObject({
      checked: 1,
      told: [],
    });
    const found = await world.verify({ scope: { sourceId, path: Buffer.from('folder.txt') } });
    expect(found).toMatchObject({ checked: 2, told: [{ key: old.key, affected: [{ newest: false }] }] });
  });

  test('stops when interrupted', async () => {
    const world = await verifyWorld(postgres());
    await world.protect('a', 'one');
    await expect(world.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });
});
