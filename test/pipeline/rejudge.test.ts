import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decisionsToReplay, noteTerms } from '../../src/catalog/policy-query.ts';
import { Failure } from '../../src/domain/failures.ts';
import type { AdmissionResult, Id } from '../../src/domain/records.ts';
import type { HoldDeps } from '../../src/holds/deps.ts';
import { endHold } from '../../src/holds/end-hold.ts';
import { rejudgeSource } from '../../src/pipeline/rejudge.ts';
import { replay } from '../../src/policy/replay.ts';
import { denied, makeWorld, noise, protectOnce, stepRun, type World } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const nextEpoch = 'c'.repeat(64);

/** A world with protected files, in which a switch to another bundle has just happened. */
async function switched(names: readonly string[]) {
  const world = await makeWorld(postgres());
  const versions = new Map<string, Id>();
  for (const name of names) {
    world.write(name, `content of ${name}`);
    const settled = await protectOnce(world.context, await world.entry(name));
    if (settled.next !== 'settled') throw new Error('not settled');
    versions.set(name, settled.versionId ?? '');
  }
  world.knobs.bundleRevision = nextEpoch;
  world.calls.length = 0;
  world.releaseInputs.length = 0;
  return { world, versions };
}

async function rejudged(world: World): Promise<string[]> {
  const due: string[] = [];
  const source = { sourceId: world.context.ids.source('docs'), runId: 'sweep-run' };
  for await (const page of rejudgeSource(world.context, source, stepRun()))
    due.push(...page.map(({ entry }) => entry.path.toString()));
  return due;
}

const decisions = (world: World) =>
  world.catalog.rows<{ gate: string; allow: boolean; epoch: string }>(
    `select gate, allow, left(bundle_revision, 1) as epoch from decisions order by at, gate`,
  );

const heads = (world: World) =>
  world.catalog.rows<{ path: string; outcome: string; epoch: string; scope: string }>(
    `select convert_from(e.path, 'utf8') as path, v.outcome, left(v.bundle_revision, 1) as epoch, v.admission ->> 'scope' as scope
     from entries e join versions v on v.id = e.head_version_id order by e.path`,
  );

const admissionOf = ({ knobs }: World): AdmissionResult => {
  if (typeof knobs.admission === 'function') throw new Error('no admission');
  return knobs.admission;
};

test('what policy wants as it is gets its decisions of the new epoch, without one file being read or byte being sent', async () => {
  const { world, versions } = await switched(['a', 'b']);
  rmSync(join(world.folder, 'a'));
  rmSync(join(world.folder, 'b'));
  expect(await rejudged(world)).toEqual([]);
  const made = (await decisions(world)).filter(({ epoch }) => epoch === 'c');
  expect(made.map(({ gate, allow }) => `${gate} ${allow}`).sort()).toEqual([
    ...['admission true', 'admission true'],
    ...['release true', 'release true'],
  ]);
  expect(world.releaseInputs.map(({ sealing }) => sealing.basis)).toEqual([
    'existing-object',
    'existing-object',
  ]);
  expect(world.calls.filter((call) => call !== 'facts')).toEqual([]);
  expect((await heads(world)).map(({ epoch }) => epoch)).toEqual(['c', 'c']);
  // A second time there is nothing to ask.
  expect(await rejudged(world)).toEqual([]);
  expect(await decisions(world)).toHaveLength(8);
  const events = await world.events(versions.get('a') ?? '');
  expect(events.filter(({ step }) => step === 'admission').map(({ facts }) => facts.bundle)).toEqual([
    'b'.repeat(64),
    nextEpoch,
  ]);
});

test('a bundle that says of the source what the one before said judges nothing anew', async () => {
  const { world } = await switched(['a', 'b']);
  const { catalog, ids } = world.context;
  const source = ids.source('docs');
  for (const revision of ['b'.repeat(64), nextEpoch])
    await noteTerms(catalog, revision, new Map([[source, 'the same']]));
  expect(await rejudged(world)).toEqual([]);
  expect((await decisions(world)).map(({ epoch }) => epoch)).toEqual(['b', 'b', 'b', 'b']);
  expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ unchanged: true });
  expect(await world.versions()).toHaveLength(2);
  // The next one says something else.
  world.knobs.bundleRevision = 'd'.repeat(64);
  await noteTerms(catalog, 'd'.repeat(64), new Map([[source, 'otherwise']]));
  expect(await rejudged(world)).toEqual([]);
  expect((await decisions(world)).filter(({ epoch }) => epoch === 'd')).toHaveLength(4);
  // Of one that nobody knows the terms of, what is looked at is judged by it.
  world.knobs.bundleRevision = 'e'.repeat(64);
  expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({ outcome: 'duplicate' });
  expect((await heads(world)).map(({ epoch }) => epoch)).toEqual(['e', 'd']);
});

test('a denial of the new epoch is recorded and deletes nothing; only the next change is not taken', async () => {
  const { world } = await switched(['a']);
  world.knobs.admission = {
    ...admissionOf(world),
    allow: false,
    reasons: [{ id: 'name_denied', text: '' }],
    scope: 'restricted',
  };
  expect(await rejudged(world)).toEqual([]);
  expect(await heads(world)).toEqual([{ path: 'a', outcome: 'uploaded', epoch: 'c', scope: 'default' }]);
  expect(
    (await decisions(world)).find(({ gate, epoch }) => gate === 'admission' && epoch === 'c')?.allow,
  ).toBe(false);
  expect(await world.versions()).toHaveLength(1);
  expect(world.calls).not.toContain('deleteVersion');
  expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({
    unchanged: true,
    outcome: 'uploaded',
  });
  world.write('a', 'changed');
  expect(await protectOnce(world.context, await world.entry('a'))).toMatchObject({
    outcome: 'ignored',
    reason: 'name_denied',
  });
});

test('a denied release of the new epoch is recorded and leaves the object where it is', async () => {
  const { world } = await switched(['a']);
  world.knobs.release = denied('destination_jurisdiction');
  expect(await rejudged(world)).toEqual([]);
  expect((await decisions(world)).at(-1)).toEqual({ gate: 'release', allow: false, epoch: 'c' });
  expect(await heads(world)).toMatchObject([{ outcome: 'uploaded', epoch: 'c' }]);
  expect(await world.versions()).toHaveLength(1);
});

test('a destination that is away keeps nothing from ending: what rests there is asked about by a later sweep', async () => {
  const { world } = await switched(['a']);
  const [[name, destination] = []] = [...world.context.destinations];
  if (name === undefined || destination === undefined) throw new Error('no destination');
  const facts = () => Promise.reject(new Failure('s3_unavailable', { destination: name, reason: 'test' }));
  const away = world.another({ destinations: new Map([[name, { ...destination, facts }]]) });
  expect(await rejudged({ ...world, context: away })).toEqual([]);
  expect(await heads(world)).toMatchObject([{ epoch: 'b' }]);
  expect(await rejudged(world)).toEqual([]);
  expect(await heads(world)).toMatchObject([{ epoch: 'c' }]);
});

test('another scope, a stronger lock or a further destination needs a look; a longer retention only says so', async () => {
  for (const change of [
    { scope: 'restricted' },
    { retention: { class: 'standard', mode: 'COMPLIANCE', days: 7 } },
    { destinations: ['primary', 'second'] },
  ] as Partial<AdmissionResult>[]) {
    const { world } = await switched(['a']);
    world.knobs.admission = { ...admissionOf(world), ...change };
    expect(await rejudged(world)).toEqual(['a']);
    expect(await heads(world)).toMatchObject([{ epoch: 'b' }]);
  }
  const { world } = await switched(['a']);
  world.knobs.admission = {
    ...admissionOf(world),
    retention: { class: 'archive', mode: 'GOVERNANCE', days: 365 },
  };
  expect(await rejudged(world)).toEqual([]);
  const [row] = await world.catalog.rows<{ class: string }>(
    `select admission -> 'retention' ->> 'class' as class from versions`,
  );
  expect(row?.class).toBe('archive');
});

test('what was denied and is admitted now, or was held and may go now, needs a look', async () => {
  const world = await makeWorld(postgres());
  const allowed = admissionOf(world);
  world.knobs.admission = { ...allowed, allow: false, reasons: [{ id: 'name_denied', text: '' }] };
  world.write('ignored', 'x');
  await protectOnce(world.context, await world.entry('ignored'));
  world.knobs.admission = allowed;
  world.knobs.release = denied('destination_jurisdiction');
  world.write('held', 'y');
  await protectOnce(world.context, await world.entry('held'));
  world.knobs.bundleRevision = nextEpoch;
  // Only admission changed: what is held stays so, with its new decisions.
  expect(await rejudged(world)).toEqual(['ignored']);
  expect(await heads(world)).toMatchObject([
    { path: 'held', outcome: 'held', epoch: 'c' },
    { path: 'ignored', outcome: 'ignored', epoch: 'b' },
  ]);
  world.knobs.release = { allow: true, reasons: [] };
  world.knobs.bundleRevision = 'd'.repeat(64);
  expect((await rejudged(world)).sort()).toEqual(['held', 'ignored']);
});

test('what somebody rejected stays so, unless policy lets it go by itself now', async () => {
  const world = await makeWorld(postgres());
  world.knobs.release = denied('name_denied');
  world.write('rejected', 'z');
  const held = await protectOnce(world.context, await world.entry('rejected'));
  if (held.next !== 'settled' || held.holdId === undefined) throw new Error('not held');
  await endHold({ context: world.context } as HoldDeps, { holdId: held.holdId, as: 'rejected' });
  world.knobs.bundleRevision = nextEpoch;
  expect(await rejudged(world)).toEqual([]);
  expect(await heads(world)).toMatchObject([{ outcome: 'ignored', epoch: 'c' }]);
  world.knobs.release = { allow: true, reasons: [] };
  world.knobs.bundleRevision = 'd'.repeat(64);
  expect(await rejudged(world)).toEqual(['rejected']);
});

test('answers that nobody can understand change nothing, and are asked for again', async () => {
  const { world } = await switched(['a', 'b']);
  const allowed = admissionOf(world);
  world.knobs.admission = { ...allowed, allow: false, reasons: [{ id: 'policy_undefined', text: '' }] };
  expect(await rejudged(world)).toEqual([]);
  expect((await heads(world)).map(({ epoch }) => epoch)).toEqual(['b', 'b']);
  world.knobs.admission = allowed;
  world.knobs.release = denied('policy_undefined');
  expect(await rejudged(world)).toEqual([]);
  expect((await heads(world)).map(({ epoch }) => epoch)).toEqual(['b', 'b']);
  world.knobs.release = { allow: true, reasons: [] };
  expect(await rejudged(world)).toEqual([]);
  expect((await heads(world)).map(({ epoch }) => epoch)).toEqual(['c', 'c']);
});

test('an answer that nobody can understand denies a file, and the next look asks again', async () => {
  const world = await makeWorld(postgres());
  const allowed = admissionOf(world);
  const undefinedReason = { id: 'policy_undefined', text: '' };
  world.knobs.admission = { ...allowed, allow: false, reasons: [undefinedReason] };
  world.write('a', 'x');
  const first = await protectOnce(world.context, await world.entry('a'));
  expect(first).toMatchObject({ outcome: 'ignored', reason: 'policy_undefined' });
  expect(world.calls).not.toContain('put');
  world.knobs.admission = allowed;
  const second = await protectOnce(world.context, await world.entry('a'));
  expect(second).toMatchObject({ outcome: 'uploaded' });
});

test('invariant 1: a switch between release and the first byte of small content asks again, and a denial sends nothing', async () => {
  const world = await makeWorld(postgres());
  const failPoints = {
    reach: (point: string) => {
      if (point !== 'before-intent') return;
      world.knobs.bundleRevision = nextEpoch;
      world.knobs.release = denied('destination_jurisdiction');
    },
  };
  world.write('a', 'x');
  const settled = await protectOnce(world.another({ failPoints }), await world.entry('a'));
  expect(settled).toMatchObject({ outcome: 'held', reason: 'destination_jurisdiction' });
  expect(world.calls).not.toContain('put');
  expect(await world.catalog.openIntents()).toEqual([]);
  expect((await decisions(world)).filter(({ gate }) => gate === 'release')).toEqual([
    { gate: 'release', allow: true, epoch: 'b' },
    { gate: 'release', allow: false, epoch: 'c' },
  ]);
});

test('stored questions are opened again, hash by hash, and asked of other rules', async () => {
  const { world } = await switched(['a', 'b']);
  const pages: Parameters<typeof replay>[2][number][][] = [];
  const wanted = { sourceId: undefined, most: 3, page: 2 };
  for await (const rows of decisionsToReplay(world.catalog, wanted)) pages.push(rows);
  expect(pages.map((rows) => rows.length)).toEqual([2, 1]);
  const rows = pages.flat();
  expect(await replay(world.context.policy, world.context.keys, rows)).toEqual({
    changes: [],
    unreadable: 0,
  });
  world.knobs.release = denied('name_denied');
  const { changes } = await replay(world.context.policy, world.context.keys, rows);
  expect(changes.every(({ row }) => row.gate === 'release')).toBe(true);
  expect(changes[0]).toMatchObject({
    was: { allow: true },
    would: { allow: false, reasons: ['name_denied'] },
  });
  // The question that is asked again is the one that was asked, its private part too.
  expect(world.releaseInputs.at(-1)?.entry.name).toMatch(/^[ab]$/);
  const [row] = rows;
  if (row === undefined) throw new Error('unreachable');
  const forged = { ...row, inputHash: noise(32) };
  await expect(replay(world.context.policy, world.context.keys, [forged])).rejects.toMatchObject({
    code: 'tampered',
  });
  const sealed = Buffer.from(row.evidence.sealed).fill(0, 20, 21);
  const bent = { ...row, evidence: { ...row.evidence, sealed } };
  await expect(replay(world.context.policy, world.context.keys, [bent])).rejects.toMatchObject({
    code: 'tampered',
  });
  expect(await replay(world.context.policy, { byId: () => undefined }, [row])).toEqual({
    changes: [],
    unreadable: 1,
  });
});
