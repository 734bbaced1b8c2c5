import { expect, onTestFinished, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { usePostgres } from '../support/postgres.ts';

const server = usePostgres();

test('a source that several commands record at the same time is recorded once, and none of them fails', async () => {
  const { writerUri } = await server().database();
  const open = async () => new Catalog(await openPool({ uri: writerUri, maxConnections: 1 }));
  const catalogs = await Promise.all([open(), open(), open(), open()]);
  onTestFinished(async () => {
    for (const catalog of catalogs) await catalog.close();
  });
  await Promise.all(catalogs.map((catalog) => catalog.ping()));
  for (let round = 0; round < 300; round++) {
    const source = { id: `source ${round}`, name: `name ${round}`, rootPath: Buffer.from('/data') };
    const inodes = catalogs.map((catalog, index) =>
      catalog.recordSource({ ...source, device: 1n, inode: BigInt(index + 1), hostId: 'host' }),
    );
    expect(new Set(await Promise.all(inodes)).size).toBe(1);
  }
});
