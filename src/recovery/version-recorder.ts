import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { ManifestPlacement, ManifestRow } from '../manifest/records.ts';

/** All that is kept of a version beside what has a column or a table of its own. */
export type RecoveredFacts = Omit<ManifestRow, 'entry' | 'path' | 'version' | 'placements'>;

/** Where it is told what a version is. */
export interface Account {
  /** Name of the key scope it was sealed under. */
  readonly scope: string;
  /** Number of the manifest; null for what was adopted from its sealed file. */
  readonly journal: number | null;
}

/** Writes versions of entries into the scratch database, from manifests and from sealed files. */
export class VersionRecorder {
  private readonly ids: Ids;
  private readonly insertEntry: StatementSync;
  private readonly insertVersion: StatementSync;
  private readonly deletePlaces: StatementSync;
  private readonly insertPlace: StatementSync;

  constructor(db: DatabaseSync, ids: Ids) {
    this.ids = ids;
    this.insertEntry = db.prepare('insert or ignore into entry values (?, ?, ?)');
    // Of several accounts of one version the one in the manifest with the higher number counts.
    this.insertVersion = db.prepare(
      `insert into version (id, entry, observation, kind, outcome, observed_at, size, hardlink, scope, journal, row)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (id) do update set kind = excluded.kind, outcome = excluded.outcome, observed_at = excluded.observed_at,
         size = excluded.size, hardlink = excluded.hardlink, scope = excluded.scope, journal = excluded.journal,
         row = excluded.row
       where excluded.journal >= version.journal`,
    );
    this.deletePlaces = db.prepare('delete from place where version = ?');
    this.insertPlace = db.prepare(
      'insert or ignore into place values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /**
   * Records a version, unless a newer account of it is there. False: its ids do not follow from its path and number, so it
   * cannot be an account of this repository.
   */
  add(source: Id, row: ManifestRow, { scope, journal }: Account): boolean {
    const { entry, path, version, placements = [], ...facts } = row;
    const pathBytes = Buffer.from(path, 'base64url');
    const belongs =
      this.ids.entry(source, pathBytes) === entry && this.ids.version(entry, row.observation) === version;
    if (!belongs) return false;
    this.insertEntry.run(entry, source, pathBytes);
    const { changes } = this.insertVersion.run(
      version,
      entry,
      row.observation,
      row.kind,
      row.outcome,
      Date.parse(row.observedAt),
      row.kind === 'file' ? row.size : 0,
      row.hardlink ?? null,
      scope,
      journal,
      JSON.stringify(facts),
    );
    if (changes === 0) return true;
    this.deletePlaces.run(version);
    for (const place of placements) this.addPlace(version, place);
    return true;
  }

  private addPlace(version: Id, place: ManifestPlacement): void {
    this.insertPlace.run(
      version,
      place.destination,
      place.object,
      place.s3VersionId,
      place.offset,
      place.length,
      place.format,
      place.key,
      place.generation,
      place.iv,
      place.madeFor,
      place.sealedSha256 ?? null,
      place.lockMode,
      place.retainUntil,
    );
  }
}
