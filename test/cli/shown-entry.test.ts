import { expect, test } from 'vitest';
import { shownEntry } from '../../src/cli/shown-entry.ts';
import { holdWorld } from '../holds/world.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();

test('a file is found by its path, and by every id that people meet: version, entry, hold, and their workflows', async () => {
  const world = await holdWorld(postgres());
  const held = await world.hold('plan.txt', 'content');
  const [row] = await world.catalog.rows<{ entry: string }>('select entry_id as entry from versions');
  const entry = row?.entry ?? '';
  const found = { source: 'docs', path: Buffer.from('plan.txt') };
  const version = held.versionId;
  for (const target of ['docs:plan.txt', 'docs:/plan.txt', entry, `protect:${entry}`])
    expect(await shownEntry(world.catalog, target), target).toEqual(found);
  for (const target of [version, held.id, `hold:${held.id}`])
    expect(await shownEntry(world.catalog, target), target).toEqual({ ...found, version });
  // A source may be called so, and a file too.
  const other = 'a'.repeat(32);
  await expect(shownEntry(world.catalog, `protect:${other}`)).rejects.toMatchObject({
    code: 'source_unknown',
  });
  for (const target of [other, 'docs', 'nonsense'])
    await expect(shownEntry(world.catalog, target)).rejects.toMatchObject({ code: 'usage' });
});
