import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listedVersions } from '../../src/catalog/journal-query.ts';
import { catalogIndex } from '../../src/catalog/restore-query.ts';
import { restoreTree } from '../../src/restore/restore.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { checkMember, readContentPack } from '../../src/sealed/read-content-pack.ts';
import { makeBatch } from '../batch/batches.ts';
import { tempFolder } from '../files/temp-tree.ts';
import { protectOnce } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';
import { verifyWorld } from './world.ts';

const postgres = usePostgres();

test('what a batch writes is a pack by the format, is verified whole, and restores', async () => {
  const world = await verifyWorld(postgres());
  const paths = ['a.txt', 'b.txt', 'empty', 'c.txt'];
  for (const path of paths) world.write(path, path === 'empty' ? '' : `content of ${path}`);
  await (await makeBatch(world, paths)).run();
  world.write('copy.txt', 'content of b.txt');
  expect(await protectOnce(world.context, await world.entry('copy.txt'))).toMatchObject({
    outcome: 'duplicate',
  });

  const [object, ...others] = await world.versions();
  expect(others).toEqual([]);
  const bytes = await world.store.get(object as NonNullable<typeof object>);
  const source = {
    lengthBytes: bytes.length,
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  const keyById = (id: Buffer) => world.context.keys.byId(id);
  const objectName = object?.key.slice('backup/'.length) ?? '';
  const { members } = await readContentPack(source, { objectName, keyById });
  const opened = members.map((member) => {
    const sealed = openBytes(bytes.subarray(member.offset, member.offset + member.length), {
      keys: keyById,
      purpose: 'content',
    });
    checkMember(member, sealed);
    return `${sealed.path}: ${sealed.content()}`;
  });
  expect(opened.sort()).toEqual([
    'a.txt: content of a.txt',
    'b.txt: content of b.txt',
    'c.txt: content of c.txt',
    'empty: ',
  ]);

  // A manifest says where each of them lies, and what its bytes are.
  const versions = await world.catalog.rows<{ id: string }>('select id from versions');
  const ids = versions.map(({ id }) => id);
  const listed = await listedVersions(world.catalog, ids, (_, key) => key.slice('backup/'.length));
  expect(listed).toHaveLength(5);
  for (const { row } of listed) {
    const place = row.placements?.[0];
    const member = members.find(({ version }) => version === place?.madeFor);
    const { offset = 0, length = 0 } = member ?? {};
    const sealedSha256 = hash('sha256', bytes.subarray(offset, offset + length), 'hex');
    expect(place).toMatchObject({ object: objectName, offset, length, sealedSha256 });
  }

  expect((await world.verify({ readSample: 1, inventory: true })).told).toEqual([]);
  const to = tempFolder();
  const [row] = await world.catalog.rows<{ name: string }>('select name from sources');
  const deps = {
    index: catalogIndex(world.catalog),
    keys: world.context.keys,
    stores: new Map([['primary', world.store]]),
  };
  for await (const item of restoreTree(deps, { source: row?.name ?? '', to }))
    expect(item.result).toBe('restored');
  const read = (path: string) => readFileSync(join(to, row?.name ?? '', path), 'utf8');
  expect([...paths, 'copy.txt'].map(read)).toEqual([
    ...['content of a.txt', 'content of b.txt', '', 'content of c.txt', 'content of b.txt'],
  ]);
});
