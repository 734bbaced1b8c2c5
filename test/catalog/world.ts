import { onTestFinished } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import type { TestPostgres } from '../support/postgres.ts';

/** Catalogs of one new database, each with a pool of its own as the program's role: so many processes. */
export async function openCatalogs(server: TestPostgres, count: number): Promise<Catalog[]> {
  const { writerUri } = await server.database();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const catalog = new Catalog(await openPool({ uri: writerUri }));
      onTestFinished(() => catalog.close());
      return catalog;
    }),
  );
}

export async function openCatalog(server: TestPostgres): Promise<Catalog> {
  const [catalog] = await openCatalogs(server, 1);
  if (catalog === undefined) throw new Error('unreachable');
  return catalog;
}
