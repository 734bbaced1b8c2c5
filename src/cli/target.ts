import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';

export interface Target {
  readonly source: string;
  /** Raw bytes inside the source; absent for the whole source. */
  readonly path?: Buffer;
}

/** `<source>` or `<source>:<path>`, the path as it was printed; slashes at its ends do not count. */
export function parseTarget(text: string): Target {
  const colon = text.indexOf(':');
  if (colon === -1) return { source: text };
  const path = text.slice(colon + 1).replace(/^\/+|\/+$/g, '');
  const source = text.slice(0, colon);
  return path === '' ? { source } : { source, path: Buffer.from(path, 'utf8') };
}

/** The id of a source that the catalog knows, configured still or not. Failure `source_unknown`. */
export async function requireSource(catalog: Catalog, source: string): Promise<Id> {
  const [found] = await catalog.rows<{ id: Id }>('select id from sources where name = $1', [source]);
  if (found === undefined) throw new Failure('source_unknown', { source });
  return found.id;
}

export interface KnownSource {
  readonly id: Id;
  readonly name: string;
}

/** The source of that name, or all that the catalog knows, by name. Failure `source_unknown`. */
export async function knownSources(catalog: Catalog, name: string | undefined): Promise<KnownSource[]> {
  if (name !== undefined) return [{ id: await requireSource(catalog, name), name }];
  return catalog.rows<KnownSource>('select id, name from sources order by name');
}
