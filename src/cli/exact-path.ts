import type { Catalog } from '../catalog/catalog.ts';
import { entryPages } from '../catalog/selected-entries.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { joinPath, namesOf, parentOf } from '../files/paths.ts';

/** Stands for bytes that are not UTF-8 wherever a path is printed. */
const replacement = '\ufffd';

/**
 * The bytes of a path that was typed or copied as it is printed: where it has U+FFFD, those of the entry, or of the folder
 * above entries, that is printed so. A path that fits none stays what it is. Failure `path_ambiguous`.
 */
export async function exactPath(catalog: Catalog, sourceId: Id, path: Buffer): Promise<Buffer> {
  const text = path.toString('utf8');
  if (!text.includes(replacement)) return path;
  const found = new Map<string, Buffer>();
  const known = parentOf(Buffer.from(text.slice(0, text.indexOf(replacement))));
  const depth = namesOf(path).length;
  for await (const { where, values } of entryPages(catalog, { sourceId, path: known }, 'forwards')) {
    const entries = await catalog.rows<{ path: Buffer }>(`select e.path from entries e where ${where}`, [
      ...values,
    ]);
    for (const entry of entries) {
      const candidate = namesOf(entry.path).slice(0, depth).reduce(joinPath, Buffer.alloc(0));
      if (candidate.equals(path)) return path;
      if (candidate.toString('utf8') === text) found.set(candidate.toString('latin1'), candidate);
    }
  }
  if (found.size > 1) throw new Failure('path_ambiguous', { count: found.size });
  const [only] = found.values();
  return only ?? path;
}
