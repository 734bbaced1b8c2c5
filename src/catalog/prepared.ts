import { hash } from 'node:crypto';

const names = new Map<string, string>();

/**
 * A query that each connection plans once: planning the catalog's joins and record sets costs Postgres more than running
 * them. The texts are ours and few; values never go into them.
 */
export function prepared(
  text: string,
  values: readonly unknown[],
): { name: string; text: string; values: unknown[] } {
  let name = names.get(text);
  if (name === undefined) {
    name = hash('sha1', text, 'hex');
    names.set(text, name);
  }
  return { name, text, values: [...values] };
}
