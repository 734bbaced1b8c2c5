import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';

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

/** Failure `source_unknown` unless the catalog knows the source, configured still or not. */
export async function requireSource(catalog: Catalog, source: string): Promise<void> {
  const found = await catalog.rows('select 1 from sources where name = $1', [source]);
  if (found.length === 0) throw new Failure('source_unknown', { source });
}
