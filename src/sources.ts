import { join } from 'node:path';
import type { Catalog } from './catalog/catalog.ts';
import { servedElsewhere } from './catalog/host-query.ts';
import type { Config, SourceConfig } from './config.ts';
import { Failure } from './domain/failures.ts';
import type { Ids } from './domain/ids.ts';
import type { Id } from './domain/records.ts';
import { compileFilter, type Filter } from './files/filter.ts';
import { checkRoot, openRoot, type RootState, type SourceRoot } from './files/root.ts';
import { groupOf } from './installation.ts';
import type { ServedSource } from './pipeline/context.ts';

/** A source as the watcher and `protect` walk it: its tree and the rules of what is taken. */
export interface WalkedSource {
  readonly id: Id;
  readonly config: SourceConfig;
  readonly root: SourceRoot;
  readonly filter: Filter;
}

/** What is said of a source that is not served. */
export const awayDetails: Readonly<Record<Exclude<RootState, 'present'>, string>> = {
  absent: 'its folder is not there',
  changed: 'another folder is in its place',
};

export function servedSources(config: Config, ids: Ids, catalog: Catalog): Map<Id, ServedSource> {
  return new Map(
    config.sources.map((source) => {
      const id = ids.source(source.name);
      return [id, { id, config: source, root: recordedRoot(config, source, id, catalog) }];
    }),
  );
}

/** Opens a source with its rules; `home` and everything below it is never taken. Failure `source_unavailable`. */
export async function openSource(
  config: Config,
  ids: Ids,
  catalog: Catalog,
  name: string,
  home: string,
): Promise<WalkedSource> {
  const source = config.sources.find((candidate) => candidate.name === name);
  if (source === undefined) throw new Failure('source_unknown', { source: name });
  const id = ids.source(name);
  const root = await recordedRoot(config, source, id, catalog)();
  return { id, config: source, root, filter: sourceFilter(source, root, home) };
}

function sourceFilter(source: SourceConfig, root: SourceRoot, home: string): Filter {
  return compileFilter(root, {
    exclude: source.exclude,
    include: source.include,
    ownFolders: ownFolders(home),
    ...(source.maxSize === undefined ? {} : { maxSizeBytes: source.maxSize }),
  });
}

/** What the program itself writes below its state folder; a source of the quickstart lies beside these. */
const ownFolders = (home: string): string[] =>
  [
    '.cache',
    'data',
    'deeds',
    'keys',
    'logs',
    'policies',
    'quarantine',
    'run',
    'secrets',
    'signatures',
    'staging',
    'holdfast.yaml',
  ].map((name) => join(home, name));

/**
 * The source's tree, opened on first use and recorded when it is first seen. A folder with another inode than the
 * recorded one is another tree (an empty mount point, a replaced disk): it is not served, and nothing counts as deleted.
 */
function recordedRoot(
  config: Config,
  source: SourceConfig,
  id: Id,
  catalog: Catalog,
): () => Promise<SourceRoot> {
  let opened: SourceRoot | undefined;
  return async () => {
    if (opened === undefined) {
      const served = { id, group: groupOf(config, source.name) };
      const elsewhere = await servedElsewhere(catalog, served, config.host.id);
      if (elsewhere !== undefined) {
        throw new Failure('source_unavailable', {
          detail: `the host ${elsewhere} has a source of this name, in another group`,
        });
      }
      const root = await openRoot(source.path, { oneFileSystem: source.oneFileSystem });
      const { device, inode } = root;
      const facts = { id, name: source.name, rootPath: root.path, device, inode, hostId: config.host.id };
      if ((await catalog.recordSource(facts)) !== inode) {
        throw new Failure('source_unavailable', { detail: awayDetails.changed });
      }
      opened = root;
    }
    const state = checkRoot(opened);
    if (state !== 'present') throw new Failure('source_unavailable', { detail: awayDetails[state] });
    return opened;
  };
}
