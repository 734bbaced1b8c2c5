import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { newRunId } from '../../src/domain/ids.ts';
import { recordedVerify } from '../../src/verify/recorded-run.ts';
import { protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { type TwoDestinations, twoDestinations } from './two-destinations.ts';

const postgres = usePostgres();

async function stored(): Promise<TwoDestinations> {
  const world = await twoDestinations(postgres());
  world.write('a', 'content');
  await protectOnce(world.context, await world.entry('a'));
  return world;
}

function verify({ context, primary, second }: TwoDestinations) {
  const { catalog, ids, hostId, keys } = context;
  const destinations = new Map([
    ['primary', { store: primary, prefix: 'backup' }],
    ['second', { store: second, prefix: 'far/away' }],
  ]);
  const deps = { catalog, ids, hostId, keys, keyring: [], destinations, retryPausesMs: [1] };
  const { signal } = new AbortController();
  const asked = { sample: 1, readSample: 1, inventory: false, repair: true, jobs: 2, signal };
  return recordedVerify(deps, { runId: newRunId(), actor: 'test', ...asked });
}

test('each destination is looked at, and what one lost is copied back from the other', async () => {
  const world = await stored();
  const [lost] = await Array.fromAsync(world.second.listVersions(''));
  if (!lost) throw new Error('no object');
  world.second.lose(lost);
  expect(await verify(world)).toMatchObject({ checked: 3, repaired: 1, findings: { missing: 1 }, away: [] });
  expect(await world.contents(world.second)).toEqual(['content']);
  expect((await verify(world)).findings).toEqual({});
});

test('one that does not answer keeps nobody from looking at the other', async () => {
  const world = await stored();
  const down = (destination: string) => () => {
    throw new Failure('s3_unavailable', { destination, reason: 'ECONNREFUSED' });
  };
  world.knobs.fault = down('primary');
  const [lost] = await Array.fromAsync(world.second.listVersions(''));
  expect(await verify(world)).toMatchObject({ away: ['primary'], complete: false, findings: {} });
  expect(lost).toBeDefined();
  world.secondFault = down('second');
  await expect(verify(world)).rejects.toMatchObject({ code: 's3_unavailable' });
});
