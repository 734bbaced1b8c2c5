import { expect, test } from 'vitest';
import { openRecipients } from '../../src/openpgp/recipients.ts';
import { copySlice } from '../../src/replicate/slice.ts';
import { useGpg } from '../openpgp/gpg.ts';
import { denied, noise, protectOnce, stepRun } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();
const gpg = useGpg();
const officer = gpg.makeKey('officer');

async function newWorld() {
  const world = await twoDestinations(postgres());
  const recipients = await openRecipients({ recipients: [officer.publicFile] }, Buffer.alloc(64, 3));
  const { admission } = world.knobs;
  if (typeof admission === 'function') throw new TypeError('an admission was expected');
  world.knobs.admission = { ...admission, format: 'openpgp' };
  const context = world.another({ recipients, destinations: world.context.destinations });
  return { ...world, context };
}

test.each([
  ['small', 'a message'],
  ['large', noise(9 * 1024 * 1024).toString('latin1')],
])('a %s message is sealed once; the second destination gets a copy of it', async (_, content) => {
  const world = await newWorld();
  world.write('a', content);
  const settled = await protectOnce(world.context, await world.entry('a'));
  expect(settled).toMatchObject({ outcome: 'uploaded' });
  const versionId = 'versionId' in settled ? (settled.versionId ?? '') : '';
  expect(await world.placements(versionId)).toMatchObject({
    primary: { state: 'committed' },
    second: { state: 'planned', reason: 'awaits_copy' },
  });
  await copySlice(world.context, { destination: 'second', sliceMs: 60_000 }, stepRun());
  expect(await world.placements(versionId)).toMatchObject({ second: { state: 'committed' } });
  const [one] = await Array.fromAsync(world.primary.listVersions(''));
  const [other] = await Array.fromAsync(world.second.listVersions(''));
  if (!one || !other) throw new Error('a message is missing');
  expect((await world.second.get(other)).equals(await world.primary.get(one))).toBe(true);
});

test('held for both, each hold has a message of its own', async () => {
  const world = await newWorld();
  world.knobs.release = denied('transport');
  world.write('a', 'a message');
  const settled = await protectOnce(world.context, await world.entry('a'));
  expect(settled).toMatchObject({ outcome: 'held', otherHoldIds: [expect.any(String)] });
  const holds = await world.catalog.rows<{ sealing: string; same: boolean }>(
    `select h.sealing_id as sealing, substring(h.sealed_sha256 from 1 for 16) = s.iv as same
     from holds h join sealings s on s.id = h.sealing_id`,
  );
  expect(new Set(holds.map(({ sealing }) => sealing)).size).toBe(2);
  expect(holds.every(({ same }) => same)).toBe(true);
});
