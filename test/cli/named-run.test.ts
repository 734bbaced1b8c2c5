import { expect, test } from 'vitest';
import { namedRun } from '../../src/cli/named-run.ts';
import { holdWorld } from '../holds/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

test('a run is named by its id, or by as many of its first digits as no other run has', async () => {
  const { catalog } = await holdWorld(postgres());
  const [first, second] = [`abcd1234${'0'.repeat(24)}`, `abcd1235${'f'.repeat(24)}`];
  for (const id of [first, second])
    await catalog.startRun({ id, kind: 'protect', hostId: 'h', actor: 'somebody' });
  expect(await namedRun(catalog, first)).toBe(first);
  expect(await namedRun(catalog, 'abcd1234')).toBe(first);
  expect(await namedRun(catalog, second)).toBe(second);
  await expect(namedRun(catalog, 'abcd')).rejects.toMatchObject({ code: 'usage', exitCode: 2 });
  for (const unknown of ['abc', 'abcd1236', `${first}0`, 'nonsense', '%', ''])
    await expect(namedRun(catalog, unknown), unknown).rejects.toMatchObject({ code: 'run_unknown' });
});
