import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { type HoldRequest, liftLegalHold, placeLegalHold } from '../../src/retention/legal-hold.ts';
import { failureOf } from '../storage/contract.ts';
import { usePostgres } from '../support/postgres.ts';
import { holding, type RetentionWorld, retentionWorld, storeLike } from './world.ts';

const server = usePostgres();

const request = (world: RetentionWorld, path: string, more: Partial<HoldRequest> = {}): HoldRequest => ({
  runId: newRunId(),
  sourceId: world.sourceId,
  path: Buffer.from(path),
  caseName: '',
  reason: 'letter of the court',
  actor: 'officer',
  ...more,
});

const place = (world: RetentionWorld, path: string, more: Partial<HoldRequest> = {}) =>
  placeLegalHold(holding(world), request(world, path, more));
const lift = (world: RetentionWorld, path: string, caseName?: string) =>
  liftLegalHold(holding(world), { ...request(world, path), caseName });

test('nothing at or below a held path goes, whatever is done to the file; released, it does', async () => {
  const world = await retentionWorld(server());
  const versions = [];
  for (const content of ['one', 'two', 'three']) versions.push(await world.protect('letters', content));
  const beside = await world.protect('letters2', 'beside');
  const hold = await place(world, 'letters');
  expect(hold).toMatchObject({
    objects: 3,
    reason: 'letter of the court',
    placedBy: 'officer',
    path: Buffer.from('letters'),
  });
  await world.gone('letters');
  await world.gone('letters2');
  await world.pass(400);
  expect((await world.retain()).totals).toMatchObject({ expired: 1, deleted: 1, held: 0, extended: 3 });
  expect(await world.object(beside.versionId)).toMatchObject({ isThere: false });
  for (const { versionId } of versions) {
    expect(await world.placement(versionId)).toMatchObject({ state: 'committed' });
    expect(await world.object(versionId)).toMatchObject({ state: 'live', legalHold: true });
  }
  await lift(world, 'letters');
  for (const { versionId } of versions)
    expect(await world.object(versionId)).toMatchObject({ isThere: true, legalHold: false });
  await world.pass(400);
  expect((await world.retain()).totals).toMatchObject({ expired: 3, deleted: 3 });
});

test('versions that come under a held folder are held by the next run, and by the catalog at once', async () => {
  const world = await retentionWorld(server());
  await place(world, '');
  const { versionId } = await world.protect('new', 'content');
  expect(await world.object(versionId)).toMatchObject({ legalHold: false });
  expect((await world.retain()).totals).toMatchObject({ held: 1 });
  expect(await world.object(versionId)).toMatchObject({ legalHold: true });
  expect((await world.retain()).totals).toMatchObject({ held: 0 });
});

test('an object is held until its last holder releases it', async () => {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'shared');
  await world.protect('b', 'shared');
  await place(world, 'a', { caseName: 'tax' });
  await place(world, 'a', { caseName: 'court' });
  await place(world, 'b');
  expect(await failureOf(lift(world, 'a'))).toBe('legal_hold_ambiguous');
  await lift(world, 'a', 'tax');
  expect(await world.object(versionId)).toMatchObject({ legalHold: true });
  expect(await failureOf(lift(world, 'a', 'tax'))).toBe('legal_hold_unknown');
  await lift(world, 'a');
  expect(await world.object(versionId)).toMatchObject({ legalHold: true });
  await lift(world, 'b');
  expect(await world.object(versionId)).toMatchObject({ legalHold: false });
});

test('placed twice by one case it is one hold, told once', async () => {
  const world = await retentionWorld(server());
  await world.protect('a', 'content');
  const first = await place(world, 'a');
  expect((await place(world, 'a', { reason: 'another' })).id).toBe(first.id);
  const told = await world.catalog.rows<{ facts: object }>(
    `select event -> 'facts' as facts from audit_events where event ->> 'step' = 'legal_hold'`,
  );
  expect(told.map(({ facts }) => facts)).toEqual([{ action: 'placed', reason: 'letter of the court' }]);
  await lift(world, 'a');
  expect((await place(world, 'a')).id).not.toBe(first.id);
});

test('what a hold or a release did not reach in its bucket is done by the next run', async () => {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'content');
  world.knobs.fault = ({ operation }) => {
    if (operation === 'setLegalHold') throw new Error('cut off');
  };
  await expect(place(world, 'a')).rejects.toThrow('cut off');
  world.knobs.fault = () => {};
  // It counts from the beginning all the same.
  await world.gone('a');
  await world.pass(400);
  expect((await world.retain()).totals).toMatchObject({ expired: 0, held: 1 });
  expect(await world.object(versionId)).toMatchObject({ legalHold: true, isThere: true });
  world.knobs.fault = ({ operation }) => {
    if (operation === 'setLegalHold') throw new Error('cut off');
  };
  await expect(lift(world, 'a')).rejects.toThrow('cut off');
  world.knobs.fault = () => {};
  expect(await world.object(versionId)).toMatchObject({ legalHold: true });
  await world.retain();
  expect(await world.object(versionId)).toMatchObject({ legalHold: false });
});

test('where a server has no legal holds, catalog and lock keep what is held', async () => {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'content');
  const store = storeLike(world.store, { setLegalHold: async () => 'unsupported' });
  const destinations = new Map([['primary', { store, lockDays: 7 }]]);
  await placeLegalHold({ ...holding(world), destinations }, request(world, 'a'));
  await world.gone('a');
  await world.pass(400);
  expect((await world.retain({ destinations })).totals).toMatchObject({ expired: 0, extended: 1 });
  expect(await world.object(versionId)).toMatchObject({ isThere: true, legalHold: false });
});

test('credentials that may not set legal holds stop nothing else, and what they could not do is done later', async () => {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'content');
  const powerless = storeLike(world.store, {
    setLegalHold: async () => {
      throw new Failure('s3_denied', { destination: 'primary', reason: 'AccessDenied' });
    },
  });
  const destinations = new Map([['primary', { store: powerless, lockDays: 7 }]]);
  const told: string[] = [];
  const context = {
    ...holding(world),
    destinations,
    warn: (_: object, message: string) => told.push(message),
  };
  expect(await placeLegalHold(context, request(world, 'a'))).toMatchObject({ objects: 0 });
  expect(told).toEqual([expect.stringContaining('s3:PutObjectLegalHold')]);
  expect((await world.retain({ destinations })).totals).toMatchObject({ held: 0, extended: 1 });
  expect((await world.retain()).totals).toMatchObject({ held: 1 });
  await liftLegalHold(context, { ...request(world, 'a'), caseName: undefined });
  expect(await world.object(versionId)).toMatchObject({ legalHold: true });
  await world.retain();
  expect(await world.object(versionId)).toMatchObject({ legalHold: false });
});

test('a hold that is placed between the judgement of a version and its expiry keeps it', async () => {
  const world = await retentionWorld(server());
  const { versionId } = await world.protect('a', 'content');
  await world.gone('a');
  const other = await world.protect('b', 'other');
  await world.pass(400);
  // Judged with the others; the hold comes while the lock of the other one is extended.
  const store = storeLike(world.store, {
    extendLock: async (object) => {
      await place(world, 'a');
      return world.store.extendLock(object);
    },
  });
  const { totals } = await world.retain({ destinations: new Map([['primary', { store, lockDays: 7 }]]) });
  expect(totals).toMatchObject({ expired: 0, extended: 1 });
  expect(await world.placement(versionId)).toMatchObject({ state: 'committed' });
  expect(await world.object(other.versionId)).toMatchObject({ isThere: true });
});
