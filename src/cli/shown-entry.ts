import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { say } from '../text/voice.ts';
import { exactPath } from './exact-path.ts';
import { parseTarget, requireSource } from './target.ts';

export interface ShownEntry {
  readonly source: string;
  /** Raw bytes. */
  readonly path: Buffer;
  /** The version that was asked for by its id, or that a hold is about. */
  readonly version?: Id;
}

/**
 * What `show` is asked for: `<source>:<path>`; the id of a version, an entry or a hold; or a workflow of one file as the Web UI
 * names it (`protect:…`, `hold:…`). Failures `source_unknown`, `path_unknown`, `usage`.
 */
export async function shownEntry(catalog: Catalog, target: string): Promise<ShownEntry> {
  const [, id = target] = /^(?:protect|hold):([0-9a-f]{32})$/.exec(target) ?? [];
  const found = await entryBehind(catalog, id);
  if (found !== undefined) return found;
  const { source, path } = parseTarget(target);
  if (path === undefined) throw new Failure('usage', { detail: say('files', 'show_takes') });
  return { source, path: await exactPath(catalog, await requireSource(catalog, source), path) };
}

async function entryBehind(catalog: Catalog, id: string): Promise<ShownEntry | undefined> {
  if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
  const [found] = await catalog.rows<{ source: string; path: Buffer; version: Id | null }>(
    `select s.name as source, e.path, v.id as version from entries e join sources s on s.id = e.source_id
       left join versions v on v.entry_id = e.id and v.id = coalesce((select version_id from holds where id = $1), $1)
     where e.id = coalesce((select entry_id from versions where id = $1),
       (select h.entry_id from holds w join versions h on h.id = w.version_id where w.id = $1), $1)`,
    [id],
  );
  if (found === undefined) return undefined;
  const { version, ...entry } = found;
  return version === null ? entry : { ...entry, version };
}
