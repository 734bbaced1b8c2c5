import type pg from 'pg';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import { migrate } from '../../src/catalog/migrate.ts';
import { readSecret } from '../../src/stack/secrets.ts';
import { postgresService } from '../../src/stack/services/postgres.ts';
import { Supervisor } from '../../src/stack/supervisor.ts';
import { toolchain } from '../../src/stack/toolchain.ts';
import { testInstallation, uid } from '../stack/installation.ts';

/** The real Postgres with the schema in it, and a catalog that runs as the program's own role. */
export interface TestPostgres {
  readonly catalog: Catalog;
  /** As the tables' owner: what no program of ours would write. */
  readonly owner: pg.Pool;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const { paths, remove } = testInstallation();
  const tools = toolchain(paths, { uid, searchPath: process.env.PATH ?? '', onProgress: () => {} });
  const stack = new Supervisor({
    paths,
    uid,
    log: () => {},
    services: [postgresService({ paths, uid, tool: await tools.postgres() })],
  });
  await stack.start();
  const uri = new URL(readSecret(String(stack.status.services.postgres?.uriFile)));
  const owner = await openPool({ uri: uri.href, maxConnections: 2 });
  await migrate(owner, 'writer');
  uri.username = 'holdfast_writer';
  uri.password = 'writer';
  const catalog = new Catalog(await openPool({ uri: uri.href, maxConnections: 4 }));
  return {
    catalog,
    owner,
    async stop() {
      await catalog.close();
      await owner.end();
      await stack.stop();
      remove();
    },
  };
}
