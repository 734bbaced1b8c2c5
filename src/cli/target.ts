import type { Config } from '../config.ts';
import { Failure } from '../domain/failures.ts';

/** `<source>` or `<source>:<path>`, the path inside the source as it was printed; leading and trailing `/` do not count. */
export function parseTarget(text: string, config: Config): { source: string; path?: Buffer } {
  const colon = text.indexOf(':');
  const source = colon === -1 ? text : text.slice(0, colon);
  if (!config.sources.some(({ name }) => name === source)) throw new Failure('source_unknown', { source });
  const path = colon === -1 ? '' : text.slice(colon + 1).replace(/^\/+|\/+$/g, '');
  return path === '' ? { source } : { source, path: Buffer.from(path, 'utf8') };
}
