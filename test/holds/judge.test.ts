import { expect, test } from 'vitest';
import { endHold } from '../../src/holds/end-hold.ts';
import type { HeldFile } from '../../src/holds/held.ts';
import { judgeAttempt } from '../../src/holds/judge-attempt.ts';
import { keepWaiting } from '../../src/holds/keep-waiting.ts';
import { statementOf, termsOf } from '../../src/holds/statement.ts';
import { usePostgres } from '../support/postgres.ts';
import { anId, type HoldWorld, holdWorld } from './world.ts';

const postgres = usePostgres();

const judge = (world: HoldWorld, held: HeldFile, attemptId: string) =>
  judgeAttempt(world.deps, { holdId: held.id, attemptId });

const events = (world: HoldWorld, attemptId: string) =>
  world.catalog.rows<{ step: string; result: string; signature: string }>(
    `select event ->> 'step' as step, event -> 'facts' ->> 'result' as result, event -> 'facts' ->> 'signature' as signature
     from audit_events where event ->> 'subject' = $1`,
    [attemptId],
  );

async function aHold() {
  const world = await holdWorld(postgres());
  const claire = world.register('claire');
  const held = await world.hold('plan.txt', 'content');
  return { world, claire, held };
}

test('two distinct persons are needed where policy says so; the same person twice counts once, and is told', async () => {
  const { world, claire, held } = await aHold();
  const amina = world.register('amina');
  world.knobs.approvalTerms = {
    ...world.knobs.approvalTerms,
    required: { ...world.knobs.approvalTerms.required, internal: 2 },
  };
  const first = await world.attempt(held, claire, 'claire');
  expect(await judge(world, held, first)).toEqual({ next: 'counted', approvals: 1, needed: 2 });
  const again = await world.attempt(held, claire, 'claire');
  expect(await judge(world, held, again)).toEqual({ next: 'repeated', approvals: 1, needed: 2 });
  expect(await judge(world, held, await world.attempt(held, amina, 'amina'))).toEqual({ next: 'enough' });
  // Asked once more after a crash, the answer is the same, and so is the trail.
  expect(await judge(world, held, first)).toEqual({ next: 'enough' });
  expect(await events(world, first)).toMatchObject([{ step: 'approval', result: 'counted' }]);
});

test('one signed rejection is enough', async () => {
  const { world, claire, held } = await aHold();
  const attemptId = await world.attempt(held, claire, 'claire', { verdict: 'reject' });
  expect(await judge(world, held, attemptId)).toEqual({ next: 'enough' });
});

test("somebody else's key is refused, on record with the signature, and an incident", async () => {
  const { world, held } = await aHold();
  const eve = world.register('eve');
  const attemptId = await world.attempt(held, eve, 'claire');
  expect(await judge(world, held, attemptId)).toEqual({ next: 'refused', code: 'approval_invalid' });
  expect(await events(world, attemptId)).toMatchObject([
    { step: 'approval', result: 'approval_invalid', signature: expect.stringMatching(/^[A-Za-z0-9_-]{86}$/) },
  ]);
  expect(await world.catalog.rows('select kind from incidents')).toEqual([{ kind: 'policy_bypass' }]);
});

test('a command that brings many wrong signatures is one incident', async () => {
  const { world, held } = await aHold();
  const eve = world.register('eve');
  const other = await world.hold('other.txt', 'other content');
  const runId = anId();
  for (const hold of [held, other])
    await judge(world, hold, await world.attempt(hold, eve, 'claire', { runId }));
  expect(await world.catalog.rows('select subject from incidents')).toEqual([{ subject: runId }]);
});

test("another hold's signature is refused", async () => {
  const { world, claire, held } = await aHold();
  const other = await world.hold('other.txt', 'other content');
  const replayed = await world.attempt(held, claire, 'claire', { signed: { hold: other.id } });
  expect(await judge(world, held, replayed)).toEqual({ next: 'refused', code: 'approval_invalid' });
});

test('a signature about anything else than this hold is refused', async () => {
  const { world, claire, held } = await aHold();
  const others = {
    repository: 'b'.repeat(32),
    sha512: '0'.repeat(128),
    sealedSha256: '0'.repeat(64),
    classification: 'public',
    destination: 'elsewhere',
    decision: '0'.repeat(32),
    lock: { mode: 'GOVERNANCE', days: 1 },
    notAfter: '2100-01-01T00:00:00.000Z',
    verdict: 'reject',
    approver: 'amina',
  } as const;
  for (const [member, value] of Object.entries(others)) {
    const attemptId = await world.attempt(held, claire, 'claire', { signed: { [member]: value } });
    const judged = await judge(world, held, attemptId);
    expect([member, judged]).toEqual([member, { next: 'refused', code: 'approval_invalid' }]);
  }
});

test('a person who is not registered, or not for this classification, is refused', async () => {
  const { world, claire, held } = await aHold();
  const nobody = await world.attempt(held, claire, 'nobody');
  expect(await judge(world, held, nobody)).toEqual({ next: 'refused', code: 'approver_unknown' });
  const jean = world.register('jean', 'public');
  const attemptId = await world.attempt(held, jean, 'jean');
  expect(await judge(world, held, attemptId)).toEqual({ next: 'refused', code: 'approver_not_entitled' });
});

test('a signature is refused when its time is over', async () => {
  const { world, claire, held } = await aHold();
  const attemptId = await world.attempt(held, claire, 'claire', { notAfter: new Date(Date.now() - 1_000) });
  expect(await judge(world, held, attemptId)).toEqual({ next: 'refused', code: 'approval_expired' });
});

test('a signature about bytes that were sealed anew since is outdated, which is nobody trying to get around anything', async () => {
  const { world, claire, held } = await aHold();
  const attemptId = await world.attempt(held, claire, 'claire');
  await world.catalog.rows('update holds set sealed_sha256 = $1', [Buffer.alloc(32, 1)]);
  expect(await judge(world, held, attemptId)).toEqual({ next: 'refused', code: 'approval_outdated' });
  expect(await world.catalog.rows('select 1 from incidents')).toEqual([]);
});

test('whoever comes after the end is told how it ended, and is on record', async () => {
  const { world, claire, held } = await aHold();
  await endHold(world.deps, { holdId: held.id, as: 'expired' });
  const attemptId = await world.attempt(held, claire, 'claire');
  expect(await judge(world, held, attemptId)).toEqual({ next: 'ended', state: 'expired' });
  expect(await events(world, attemptId)).toMatchObject([{ result: 'hold_ended' }]);
});

test('a try that nobody brought is refused', async () => {
  const { world, held } = await aHold();
  expect(await judge(world, held, anId())).toEqual({ next: 'refused', code: 'hold_unknown' });
});

test('what is signed is what the format says', async () => {
  const { world, held } = await aHold();
  const config = world.context.destinations.get('primary')?.config;
  if (config === undefined) throw new Error('no destination');
  const said = { verdict: 'approve', approver: 'claire', notAfter: '2026-12-01T09:30:00.000Z' } as const;
  expect(statementOf(termsOf('a'.repeat(32), held, config), said)).toEqual({
    v: 1,
    ...said,
    repository: 'a'.repeat(32),
    hold: held.id,
    sha512: expect.stringMatching(/^[0-9a-f]{128}$/),
    sealedSha256: held.sealedSha256.toString('hex'),
    classification: 'internal',
    destination: 'primary',
    decision: expect.stringMatching(/^[0-9a-f]{32}$/),
    lock: { mode: 'GOVERNANCE', days: 7 },
  });
});

test('every open hold of a source that is served here gets its workflow, where it has none', async () => {
  const { world, held } = await aHold();
  const ended = await world.hold('ended.txt', 'other content');
  await endHold(world.deps, { holdId: ended.id, as: 'expired' });
  const started: unknown[] = [];
  const client = {
    workflow: {
      start: async (type: unknown, options: unknown) => {
        started.push([type, options]);
        return {} as never;
      },
    },
  };
  await keepWaiting(world.catalog, client as never, 'files.group', ['docs']);
  expect(started).toEqual([
    [
      'stagingHold',
      {
        workflowId: `hold:${held.id}`,
        taskQueue: 'files.group',
        args: [{ holdId: held.id, hostQueue: 'host.host' }],
        typedSearchAttributes: expect.anything(),
        staticSummary: expect.stringContaining('held file of source docs, run '),
        staticDetails: expect.stringContaining(`holdfast hold show ${held.id}`),
        workflowIdConflictPolicy: 'USE_EXISTING',
      },
    ],
  ]);
  await keepWaiting(world.catalog, client as never, 'files.group', ['elsewhere']);
  expect(started).toHaveLength(1);
});
