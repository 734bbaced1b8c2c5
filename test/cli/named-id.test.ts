import { expect, test } from 'vitest';
import { namedId } from '../../src/cli/named-id.ts';
import { type HoldWorld, holdWorld } from '../holds/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

const make = {
  run: ({ catalog }: HoldWorld, id: string) =>
    catalog.startRun({ id, kind: 'protect', hostId: 'h', actor: 'somebody' }),
  incident: ({ asOwner }: HoldWorld, id: string) =>
    asOwner(
      `insert into incidents (id, kind, subject, run_id, facts) values ('${id}', 'infection', '${id}', 'r', '{}')`,
    ),
};

test.each(['run', 'incident'] as const)(
  'a %s is named by its id, or by as many of its first digits as no other has',
  async (kind) => {
    const world = await holdWorld(postgres());
    const { catalog } = world;
    const [first, second] = [`abcd1234${'0'.repeat(24)}`, `abcd1235${'f'.repeat(24)}`];
    for (const id of [first, second]) await make[kind](world, id);
    expect(await namedId(catalog, kind, first)).toBe(first);
    expect(await namedId(catalog, kind, 'abcd1234')).toBe(first);
    expect(await namedId(catalog, kind, second)).toBe(second);
    await expect(namedId(catalog, kind, 'abcd')).rejects.toMatchObject({ code: 'usage', exitCode: 2 });
    for (const unknown of ['abc', 'abcd1236', `${first}0`, 'nonsense', '%', ''])
      await expect(namedId(catalog, kind, unknown), unknown).rejects.toMatchObject({
        code: `${kind}_unknown`,
      });
  },
);
