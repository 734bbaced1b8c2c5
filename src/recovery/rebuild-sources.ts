import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config.ts';
import { isFailure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { openRoot } from '../files/root.ts';

/**
 * Records the sources that were found, each with the folder it is on this host now. One that is not configured or whose
 * folder is away gets none: the first host that serves it records its own.
 */
export async function recordFoundSources(
  catalog: Catalog,
  found: readonly { readonly id: Id; readonly name: string }[],
  { config, ids }: { readonly config: Config; readonly ids: Ids },
): Promise<void> {
  for (const { id, name } of found) {
    const configured = config.sources.find((source) => ids.source(source.name) === id);
    const root = configured && (await rootOf(configured));
    await catalog.recordSource({
      id,
      name: configured?.name ?? name,
      rootPath: root?.path ?? Buffer.alloc(0),
      device: root?.device ?? 0n,
      inode: root?.inode ?? 0n,
      hostId: config.host.id,
    });
  }
}

async function rootOf({ path, oneFileSystem }: Config['sources'][number]) {
  try {
    return await openRoot(path, { oneFileSystem });
  } catch (error) {
    if (isFailure(error, 'source_unavailable')) return undefined;
    throw error;
  }
}
