import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeAttempt } from '../../src/holds/judge-attempt.ts';
import { releaseHold } from '../../src/holds/release-hold.ts';
import { resealHold } from '../../src/holds/reseal-hold.ts';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { useGpg } from '../openpgp/gpg.ts';
import { makeWorld, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { anId, withHolds } from './world.ts';

const postgres = usePostgres();
const gpg = useGpg();
const officer = gpg.makeKey('officer');

async function messageHold() {
  const made = await makeWorld(postgres());
  const recipients = await openRecipients({ recipients: [officer.publicFile] }, Buffer.alloc(64, 3));
  const { admission } = made.knobs;
  if (typeof admission === 'function') throw new Error('unreachable');
  made.knobs.admission = { ...admission, format: 'openpgp' };
  const world = withHolds({ ...made, context: made.another({ recipients }) });
  const key = world.register('claire');
  const held = await world.hold('letter', 'to the officer alone');
  const approve = async () => {
    const current = await world.again(held);
    const attemptId = await world.attempt(current, key, 'claire');
    await judgeAttempt(world.deps, { holdId: held.id, attemptId });
    return releaseHold(world.deps, { holdId: held.id }, stepRun());
  };
  return { world, held, approve };
}

test('an approved message goes as it was staged: whoever it is for opens it', async () => {
  const { world, held, approve } = await messageHold();
  const staged = readFileSync(world.context.staging.path(held.sealingId));
  expect(await approve()).toEqual({ next: 'released', outcome: 'uploaded' });
  const [object] = await world.versions();
  if (object === undefined) throw new Error('nothing was uploaded');
  const sent = await world.store.get(object);
  expect(sent.equals(staged)).toBe(true);
  expect(gpg.decrypt(sent).toString()).toBe('to the officer alone');
  expect(existsSync(world.context.staging.path(held.sealingId))).toBe(false);
});

test('it is scanned again from its file, because nobody here can open it; without the file it waits', async () => {
  const { world, approve } = await messageHold();
  world.knobs.verdict = {
    ...{ state: 'clean', engine: 'test 1', signatureRevision: 'r2' },
    ...{ signaturesAt: '2026-02-01T00:00:00.000Z', signatureSet: 'official' },
  };
  world.write('letter', 'another letter');
  expect(await approve()).toEqual({ next: 'held', reason: 'rescan_impossible' });
  expect(world.calls).not.toContain('put');
});

test('sealed anew, it is another message of the same content', async () => {
  const { world, held, approve } = await messageHold();
  await world.context.staging.drop(held.sealingId);
  expect(await approve()).toEqual({ next: 'held', reason: 'staged_missing' });
  await resealHold(world.deps, { holdId: held.id, runId: anId() }, stepRun());
  expect(await approve()).toMatchObject({ next: 'released' });
  const [object] = await world.versions();
  if (object === undefined) throw new Error('nothing was uploaded');
  expect(gpg.decrypt(await world.store.get(object)).toString()).toBe('to the officer alone');
});
