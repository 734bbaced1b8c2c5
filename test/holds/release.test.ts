import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Verdict } from '../../src/domain/records.ts';
import { endHold } from '../../src/holds/end-hold.ts';
import type { HeldFile } from '../../src/holds/held.ts';
import { inspectHold, remindOfHold } from '../../src/holds/inspect-hold.ts';
import { judgeAttempt } from '../../src/holds/judge-attempt.ts';
import { lookAtHold } from '../../src/holds/look-at-hold.ts';
import { releaseHold } from '../../src/holds/release-hold.ts';
import { resealHold } from '../../src/holds/reseal-hold.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { Staging } from '../../src/pipeline/staging.ts';
import { sweepStaging } from '../../src/pipeline/sweep-staging.ts';
import { denied, noise, protectOnce, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { anId, dayMs, type HoldWorld, holdWorld } from './world.ts';

const postgres = usePostgres();

async function approvedHold(content: string | Buffer = 'not before somebody approves') {
  const world = await holdWorld(postgres());
  const key = world.register('claire');
  const held = await world.hold('plan.txt', content);
  const attemptId = await world.attempt(held, key, 'claire');
  expect(await judgeAttempt(world.deps, { holdId: held.id, attemptId })).toEqual({ next: 'enough' });
  return { world, key, held };
}

const letGo = (world: HoldWorld, { id }: HeldFile) => releaseHold(world.deps, { holdId: id }, stepRun());
const stagedFile = (world: HoldWorld, held: HeldFile): string => world.context.staging.path(held.sealingId);
const outcomeOf = async (world: HoldWorld, held: HeldFile) => {
  const { outcome, reason } = await world.catalog.version(held.versionId);
  return reason === undefined ? outcome : `${outcome}(${reason})`;
};

test('approved bytes go as they were signed: read whole, judged with the approvals, uploaded, and gone from staging', async () => {
  const { world, held } = await approvedHold();
  expect(await letGo(world, held)).toEqual({ next: 'released', outcome: 'uploaded' });
  const [object, ...others] = await world.versions();
  if (object === undefined) throw new Error('nothing was uploaded');
  expect(others).toEqual([]);
  expect((await world.open(object)).toString()).toBe('not before somebody approves');
  expect(world.releaseInputs.at(-1)).toMatchObject({
    approvals: [{ approver: 'claire' }],
    sealing: { basis: 'sealed-bytes', contentMatches: true },
  });
  expect(await outcomeOf(world, held)).toBe('uploaded');
  expect((await world.again(held)).state).toBe('approved');
  expect(existsSync(stagedFile(world, held))).toBe(false);
  const [placement] = await world.catalog.rows<{ state: string; sha256: Buffer }>(
    `select p.state, i.sealed_sha256 as sha256 from placements p join objects o on o.id = p.object_id
     join intents i on i.sealing_id = o.sealing_id where p.version_id = $1`,
    [held.versionId],
  );
  expect(placement?.state).toBe('committed');
  expect(placement?.sha256).toEqual(held.sealedSha256);
  // The commit ended it: nothing is left to release.
  expect(await letGo(world, held)).toEqual({ next: 'ended', state: 'approved' });
});

test('large content goes in parts, from the staged bytes', async () => {
  const content = noise(19 * 1024 * 1024);
  const { world, held } = await approvedHold(content);
  world.remove('plan.txt');
  expect(await letGo(world, held)).toEqual({ next: 'released', outcome: 'uploaded' });
  const [object] = await world.versions();
  if (object === undefined) throw new Error('nothing was uploaded');
  expect((await world.open(object)).equals(content)).toBe(true);
  expect(world.calls).toContain('uploadPart');
});

test('without enough valid approvals nothing leaves, whatever rows the catalog has', async () => {
  const { world, held } = await approvedHold();
  await world.catalog.rows(`update hold_attempts set signature = $1`, [Buffer.alloc(64)]);
  world.knobs.release = { allow: true, reasons: [] };
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'approval_required' });
  expect(world.calls).not.toContain('put');
  expect(await lookAtHold(world.deps, { holdId: held.id })).toMatchObject({ isApproved: false });
});

test('a denial at release keeps it held for the new reason, and the approval is for the old one', async () => {
  const { world, key, held } = await approvedHold();
  world.knobs.release = denied('destination_classification');
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'destination_classification' });
  expect(await world.again(held)).toMatchObject({ state: 'open', reason: 'destination_classification' });
  expect(await outcomeOf(world, held)).toBe('held(destination_classification)');
  expect(await lookAtHold(world.deps, { holdId: held.id })).toMatchObject({ isApproved: false });
  expect(world.calls).not.toContain('put');
  // Seen and approved anew, it goes.
  world.knobs.release = { allow: true, reasons: [] };
  const attemptId = await world.attempt(await world.again(held), key, 'claire');
  expect(await judgeAttempt(world.deps, { holdId: held.id, attemptId })).toEqual({ next: 'enough' });
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
});

test('staged bytes that are not what was sealed go nowhere, until the file is sealed anew and approved again', async () => {
  const { world, key, held } = await approvedHold();
  const bytes = readFileSync(stagedFile(world, held));
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(stagedFile(world, held), bytes);
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'staged_damaged' });
  expect((await world.again(held)).staged).toBe('damaged');
  expect(await lookAtHold(world.deps, { holdId: held.id })).toMatchObject({ isApproved: false });

  const resealed = await resealHold(world.deps, { holdId: held.id, runId: anId() }, stepRun());
  expect(resealed).toEqual({ next: 'resealed', hostQueue: 'host.host' });
  expect(existsSync(stagedFile(world, held))).toBe(false);
  const anew = await world.again(held);
  expect(anew).toMatchObject({ staged: 'whole', state: 'open' });
  expect(anew.sealedSha256).not.toEqual(held.sealedSha256);
  expect(anew.iv).not.toEqual(held.iv);
  expect(await letGo(world, anew)).toEqual({ next: 'held', reason: 'approval_required' });
  const attemptId = await world.attempt(anew, key, 'claire');
  await judgeAttempt(world.deps, { holdId: held.id, attemptId });
  expect(await letGo(world, anew)).toMatchObject({ next: 'released' });
  expect(world.calls.filter((call) => call === 'put')).toHaveLength(1);
});

test('a file that changed since cannot be sealed anew for the older hold', async () => {
  const { world, held } = await approvedHold();
  world.write('plan.txt', 'another state of the same length');
  expect(await resealHold(world.deps, { holdId: held.id, runId: anId() }, stepRun())).toEqual({
    next: 'held',
    reason: 'hold_source_changed',
  });
  // The hold is about what was staged, and goes all the same.
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
});

test('the newer version of a held file goes its own way, and stays the newest', async () => {
  const { world, held } = await approvedHold('first');
  world.write('plan.txt', 'second');
  world.knobs.release = { allow: true, reasons: [] };
  const newer = await protectOnce(world.context, await world.entry('plan.txt'));
  expect(newer).toMatchObject({ outcome: 'uploaded' });
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
  const [entry] = await world.catalog.rows<{ head: string }>('select head_version_id as head from entries');
  expect(entry?.head).not.toBe(held.versionId);
  expect((await world.again(held)).isSuperseded).toBe(true);
});

test('what is written of an old state answers no hint that came since', async () => {
  const { world, held } = await approvedHold('first');
  world.write('plan.txt', 'second');
  world.knobs.release = { allow: true, reasons: [] };
  const entry = await world.entry('plan.txt');
  await protectOnce(world.context, entry);
  const hints = await world.catalog.hint([entry]);
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
  expect(await world.catalog.unsettled(hints)).toEqual([entry.id]);
});

const newer = (verdict: Partial<Verdict>): Verdict => ({
  ...{ state: 'clean', engine: 'test 1', signatureRevision: 'r2' },
  ...{ signaturesAt: '2026-02-01T00:00:00.000Z', signatureSet: 'official' as const },
  ...verdict,
});

test('it is scanned again, from the staged bytes, where signatures are newer than its verdict', async () => {
  const { world, held } = await approvedHold('scanned twice');
  world.remove('plan.txt');
  const before = world.scannedBytes.length;
  world.knobs.verdict = newer({});
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
  expect(world.scannedBytes.slice(before)).toEqual([13]);
});

test('what newer signatures know as infected is held, whoever approved it before, and is an incident', async () => {
  const { world, key, held } = await approvedHold();
  world.knobs.release = ({ approvals = [], verdict }) =>
    approvals.length > 0 && verdict.state !== 'infected'
      ? { allow: true, reasons: [] }
      : denied('name_denied');
  world.knobs.verdict = newer({ state: 'infected', signature: 'Late.Worm' });
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'infected' });
  expect(world.releaseInputs.at(-1)).toMatchObject({ verdict: { state: 'infected' }, approvals: [] });
  expect(world.calls).not.toContain('put');
  const incidents = () => world.catalog.rows('select kind from incidents');
  expect(await incidents()).toEqual([{ kind: 'late_detection' }]);
  const told = await world.events(held.versionId);
  expect(told.filter(({ step }) => step === 'rescan')).toMatchObject([
    { facts: { state: 'infected', signature: 'Late.Worm', signatures: 'r2', held: true } },
  ]);
  // Approved by somebody who insists, and by yet newer signatures, it is neither released nor another incident.
  world.knobs.verdict = { ...newer({ state: 'infected', signature: 'Late.Worm' }), signatureRevision: 'r3' };
  const attemptId = await world.attempt(await world.again(held), key, 'claire');
  await judgeAttempt(world.deps, { holdId: held.id, attemptId });
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'infected' });
  expect(await incidents()).toHaveLength(1);
});

test('a verdict that came out worse than the approver saw is judged as if nobody had approved', async () => {
  const { world, held } = await approvedHold();
  world.knobs.verdict = newer({ state: 'not_scanned', reason: 'encrypted' });
  expect(await letGo(world, held)).toMatchObject({ next: 'held' });
  expect(world.releaseInputs.at(-1)?.approvals).toEqual([]);
  expect(await lookAtHold(world.deps, { holdId: held.id })).toMatchObject({ isApproved: false });
});

test.each(['after-intent', 'after-put', 'after-read-back', 'after-commit'])(
  'killed at %s, the release goes on: one object, nothing doubled, and the reconciler leaves it alone',
  async (place) => {
    const { world, held } = await approvedHold();
    const killed = world.another({
      failPoints: {
        reach: (name) => {
          if (name === place) throw new Error('killed');
        },
      },
    });
    await expect(
      releaseHold({ ...world.deps, context: killed }, { holdId: held.id }, stepRun()),
    ).rejects.toThrow('killed');
    await reconcile(world.context);
    const ended =
      place === 'after-commit'
        ? { next: 'ended', state: 'approved' }
        : { next: 'released', outcome: 'uploaded' };
    expect(await letGo(world, held)).toEqual(ended);
    expect(await world.versions()).toHaveLength(1);
    expect(await outcomeOf(world, held)).toBe('uploaded');
    const intents = await world.catalog.rows(`select state from intents where state <> 'committed'`);
    expect(intents).toEqual([]);
  },
);

test('killed as it was being held, the file is held once', async () => {
  const world = await holdWorld(postgres());
  world.write('plan.txt', 'content');
  world.knobs.release = denied('name_denied');
  const killed = world.another({
    failPoints: {
      reach: (name) => {
        if (name === 'after-hold') throw new Error('killed');
      },
    },
  });
  const entry = await world.entry('plan.txt');
  const run = stepRun();
  await expect(protectOnce(killed, entry, run)).rejects.toThrow('killed');
  const settled = await protectOnce(world.context, entry, run);
  const holds = await world.catalog.rows<{ id: string }>('select id from holds');
  expect(settled).toMatchObject({ outcome: 'held', holdId: holds[0]?.id });
  expect(holds).toHaveLength(1);
  expect(readdirSync(world.stagingDir)).toHaveLength(1);
});

test('an announced upload that was given up is taken up again under the same bytes', async () => {
  const { world, key, held } = await approvedHold();
  world.knobs.fault = ({ operation, moment }) => {
    if (operation === 'put' && moment === 'before') throw new Error('refused');
  };
  await expect(letGo(world, held)).rejects.toThrow('refused');
  world.knobs.fault = () => {};
  world.knobs.release = denied('transport_plain');
  expect(await letGo(world, held)).toEqual({ next: 'held', reason: 'transport_plain' });
  expect(await world.catalog.rows('select state from intents')).toEqual([{ state: 'aborted' }]);
  world.knobs.release = { allow: true, reasons: [] };
  const attemptId = await world.attempt(await world.again(held), key, 'claire');
  await judgeAttempt(world.deps, { holdId: held.id, attemptId });
  expect(await letGo(world, held)).toMatchObject({ next: 'released' });
  expect(await world.versions()).toHaveLength(1);
});

test.each(['rejected', 'expired'] as const)(
  '%s, nothing leaves, the source is untouched and the state is not held again',
  async (as) => {
    const { world, held } = await approvedHold();
    expect(await endHold(world.deps, { holdId: held.id, as })).toEqual({ next: 'ended', state: as });
    expect(await outcomeOf(world, held)).toBe(`ignored(hold_${as})`);
    expect(readFileSync(`${world.folder}/plan.txt`, 'utf8')).toBe('not before somebody approves');
    expect(await letGo(world, held)).toEqual({ next: 'ended', state: as });
    expect(world.calls).not.toContain('put');
    // Told twice it stays as it is; the other end comes too late.
    expect(await endHold(world.deps, { holdId: held.id, as })).toEqual({ next: 'ended', state: as });
    const other = as === 'rejected' ? 'expired' : 'rejected';
    expect(await endHold(world.deps, { holdId: held.id, as: other })).toEqual({ next: 'ended', state: as });
    const again = await protectOnce(world.context, await world.entry('plan.txt'));
    expect(again).toMatchObject({ outcome: 'ignored', unchanged: true });
  },
);

test('one of a destination that is not configured any more can only end', async () => {
  const { world, held } = await approvedHold();
  const deps = { ...world.deps, context: world.another({ destinations: new Map() }) };
  expect(await lookAtHold(deps, { holdId: held.id })).toMatchObject({ state: 'open', isApproved: false });
  expect(await endHold(deps, { holdId: held.id, as: 'expired' })).toEqual({
    next: 'ended',
    state: 'expired',
  });
});

test('staged bytes of an ended hold are swept, those of an open one are kept', async () => {
  const { world, held } = await approvedHold();
  const later = world.another({});
  const old = new Date(Date.now() - 2 * dayMs);
  utimesSync(stagedFile(world, held), old, old);
  await sweepStaging(later);
  expect(existsSync(stagedFile(world, held))).toBe(true);
  await endHold(world.deps, { holdId: held.id, as: 'expired' });
  await sweepStaging(later);
  expect(existsSync(stagedFile(world, held))).toBe(false);
});

test('reminders are told once a day, with what became of the staged bytes', async () => {
  const { world, held } = await approvedHold();
  expect(await inspectHold(world.deps, { holdId: held.id })).toEqual({ next: 'inspected', staged: 'whole' });
  await remindOfHold(world.deps, { holdId: held.id, staged: 'whole' });
  await remindOfHold(world.deps, { holdId: held.id, staged: 'whole' });
  await remindOfHold(world.deps, { holdId: held.id, staged: 'host_unavailable' });
  expect(world.reminders()).toBe(3);
  expect(await world.again(held)).toMatchObject({ staged: 'host_unavailable', remindedAt: expect.any(Date) });
  const events = await world.catalog.rows(
    `select event -> 'facts' ->> 'staged' as staged from audit_events where event ->> 'subject' = $1 order by at`,
    [held.id],
  );
  expect(events).toEqual([{ staged: 'whole' }, { staged: 'host_unavailable' }]);
});

test('there is room for as much as the quota says; what finds none fails aloud and is tried again', async () => {
  const { world } = await approvedHold(noise(60_000));
  const small = world.another({ staging: new Staging(world.stagingDir, 100_000) });
  world.knobs.release = denied('name_denied');
  world.write('second', noise(50_000));
  await expect(protectOnce(small, await world.entry('second'))).rejects.toMatchObject({
    code: 'staging_full',
  });
  world.write('third', noise(10_000));
  expect(await protectOnce(small, await world.entry('third'))).toMatchObject({ outcome: 'held' });
});
