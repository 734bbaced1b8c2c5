import type { DatabaseSync } from 'node:sqlite';
import type { FoundVersion } from './bucket.ts';

const columns = `name, version_id as "versionId", length as "lengthBytes", modified as "modifiedMs"`;

/** Every version below a folder, e.g. `keys`, in order of the names and for each the oldest first. */
export function* foundBelow(db: DatabaseSync, folder: string): Generator<FoundVersion> {
  const rows = db
    .prepare(`select ${columns} from found where name > ? and name < ? order by name, number desc`)
    .iterate(`${folder}/`, `${folder}0`);
  for (const row of rows) yield row as unknown as FoundVersion;
}

/** Every version of a name, the oldest first: whatever was planted came later. */
export function versionsOfName(db: DatabaseSync, name: string): FoundVersion[] {
  return db
    .prepare(`select ${columns} from found where name = ? order by number desc`)
    .all(name) as unknown as FoundVersion[];
}
