import type { DatabaseSync } from 'node:sqlite';
import type { Ids } from '../domain/ids.ts';
import type { EntryKind, Id, Outcome } from '../domain/records.ts';
import { lateSignature, type SealedFormat } from '../manifest/records.ts';
import type {
  ContentPlace,
  RestorableVersion,
  RestoreIndex,
  RestorePass,
  RestoreRow,
  RestoreTotals,
  Selection,
} from '../restore/restore-index.ts';
import { prefixed } from '../sealed/names.ts';
import { bytesOf } from './scratch.ts';
import type { RecoveredFacts } from './version-recorder.ts';

/** Where the objects are, and how the repository names its sources. */
export interface ObjectPlace {
  /** The store's name. */
  readonly destination: string;
  readonly prefix: string;
  readonly ids: Pick<Ids, 'source'>;
}

/** What restore knows of a repository that was read back from a bucket. */
export class RecoveredIndex implements RestoreIndex {
  private readonly db: DatabaseSync;
  private readonly where: ObjectPlace;
  /** What `chosen` was made for. */
  private chosenFor: string | undefined;

  constructor(db: DatabaseSync, where: ObjectPlace) {
    this.db = db;
    this.where = where;
  }

  /** By name, whether a manifest tells it or not, or by id. */
  async sourceIdOf(name: string): Promise<Id | undefined> {
    const row = this.db
      .prepare(
        `select id from source where id in (?1, ?2) union all select source from entry where source in (?1, ?2) limit 1`,
      )
      .get(this.where.ids.source(name), name);
    return row?.id as Id | undefined;
  }

  async totals(selection: Selection): Promise<RestoreTotals> {
    this.choose(selection);
    const row = this.db
      .prepare(
        `select count(*) as entries,
                count(*) filter (where kind = 'file') as files,
                count(*) filter (where kind = 'file' and hardlink is not null) as hardlinks,
                count(*) filter (where kind = 'link') as links,
                count(*) filter (where kind = 'dir') as folders,
                coalesce(sum(size) filter (where kind = 'file' and hardlink is null), 0) as bytes
         from chosen where ${selected}`,
      )
      .get(...bounds(selection));
    return row as unknown as RestoreTotals;
  }

  async hardlinkTargets(selection: Selection): Promise<ReadonlySet<Id>> {
    this.choose(selection);
    const rows = this.db
      .prepare(`select distinct hardlink from chosen where source = ? and hardlink is not null`)
      .all(selection.sourceId);
    return new Set(rows.map((row) => row.hardlink as Id));
  }

  async *rows(selection: Selection, pass: RestorePass): AsyncIterable<RestoreRow> {
    this.choose(selection);
    const rows = this.db
      .prepare(
        `select c.entry as "entryId", c.path, c.head_id as "headId", c.head_kind as "headKind",
                c.head_outcome as "headOutcome", c.version as id, c.kind, v.row,
                p.object, p.offset, p.length, p.format, p.key, p.made_for as "madeFor", p.sealed_sha256 as "sealedSha256",
                p.version_id as "recordedId", o.version_id as "foundId"
         from chosen c left join version v on v.id = c.version
         left join place p on p.version = v.id and p.destination =
           (select q.destination from place q left join object qo on qo.name = q.object
            where q.version = v.id order by qo.name is null, q.destination limit 1)
         left join object o on o.name = p.object
         where ${selected} ${passes[pass]} order by c.path ${pass === 'folders' ? 'desc' : 'asc'}`,
      )
      .iterate(...bounds(selection));
    for (const row of rows) yield this.restoreRow(row as unknown as Row);
  }

  /** Picks for each entry of the source the version that stands for it, once for all passes over one selection. */
  private choose({ sourceId, at, versionId }: Selection): void {
    const wanted = [sourceId, at?.getTime(), versionId].join(' ');
    if (this.chosenFor === wanted) return;
    this.db.exec('drop table if exists chosen');
    this.db.exec(
      `create table chosen (source text, path blob, entry text, head_id text, head_kind text, head_outcome text,
         version text, kind text, size integer, hardlink text, primary key (source, path)) without rowid`,
    );
    const columns = 'h.id, h.kind, h.outcome, g.id, g.kind, g.size, g.hardlink';
    if (versionId === undefined) {
      this.db
        .prepare(
          `insert into chosen
           select e.source, e.path, e.id, ${columns} from entry e
           join version h on h.id = (select id from version where entry = e.id and observed_at <= ?2
                                     order by observation desc limit 1)
           left join version g on g.id = (select id from version where entry = e.id and observed_at <= ?2
                                            and standing is not null order by standing desc, observation desc limit 1)
           where e.source = ?1 and h.outcome <> 'deleted'`,
        )
        .run(sourceId, at?.getTime() ?? Number.MAX_SAFE_INTEGER);
    } else {
      this.db
        .prepare(
          `insert into chosen
           select e.source, e.path, e.id, ${columns} from version h join entry e on e.id = h.entry
           left join version g on g.id = h.id and g.standing is not null where e.source = ? and h.id = ?`,
        )
        .run(sourceId, versionId);
    }
    this.chosenFor = wanted;
  }

  private restoreRow(row: Row): RestoreRow {
    return {
      entryId: row.entryId,
      path: bytesOf(row.path),
      head: { id: row.headId, kind: row.headKind, outcome: row.headOutcome },
      ...(row.id === null ? {} : { version: this.restorable(row.id, row) }),
    };
  }

  private restorable(id: Id, row: Row): RestorableVersion {
    const facts = JSON.parse(row.row) as RecoveredFacts;
    const { mode, uid, gid, xattrs } = facts;
    const common = {
      id,
      mode,
      uid,
      gid,
      mtimeNs: BigInt(facts.mtimeNs),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
    switch (row.kind) {
      case 'dir':
        return { ...common, kind: 'dir' };
      case 'link':
        return { ...common, kind: 'link', linkTarget: Buffer.from(facts.linkTarget ?? '', 'base64url') };
      case 'file':
        return {
          ...common,
          kind: 'file',
          sizeBytes: facts.size,
          sha512: Buffer.from(facts.sha512 ?? '', 'hex'),
          place: this.place(row),
          ...(facts.hardlink === undefined ? {} : { hardlink: facts.hardlink }),
          ...(facts.verdict?.state === 'infected' ? { infected: lateSignature(facts.verdict) } : {}),
        };
    }
  }

  /** Where nothing was found the recorded version id is given, so that restore says what is missing. */
  private place(row: Row): ContentPlace {
    const { offset, length, format, madeFor, sealedSha256 } = row;
    return {
      destination: this.where.destination,
      key: prefixed(this.where.prefix, row.object),
      s3VersionId: row.foundId ?? row.recordedId,
      offset,
      length,
      format,
      keyId: row.key,
      madeFor,
      ...(sealedSha256 === null ? {} : { sealedSha256: Buffer.from(sealedSha256, 'hex') }),
    };
  }
}

/** A path with everything below it, or all; SQLite compares blobs byte by byte. */
const selected = `source = ?1 and (?2 = x'' or path = ?2 or (path > ?3 and path < ?4))`;

function bounds({ sourceId, path }: Selection): [Id, Buffer, Buffer, Buffer] {
  return [sourceId, path, Buffer.concat([path, Buffer.from('/')]), Buffer.concat([path, Buffer.from('0')])];
}

const passes: Readonly<Record<RestorePass, string>> = {
  tree: `and (c.kind is null or c.kind = 'dir' or (c.kind = 'file' and c.hardlink is null))`,
  hardlinks: `and c.kind = 'file' and c.hardlink is not null`,
  links: `and c.kind = 'link'`,
  folders: `and c.kind = 'dir'`,
};

interface Row {
  readonly entryId: Id;
  readonly path: Uint8Array;
  readonly headId: Id;
  readonly headKind: EntryKind;
  readonly headOutcome: Outcome;
  readonly id: Id | null;
  readonly kind: RestorableVersion['kind'];
  readonly row: string;
  readonly object: string;
  readonly offset: number;
  readonly length: number;
  readonly format: SealedFormat;
  readonly key: Id;
  readonly madeFor: Id;
  readonly sealedSha256: string | null;
  readonly recordedId: string;
  readonly foundId: string | null;
}
