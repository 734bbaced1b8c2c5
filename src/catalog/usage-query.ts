import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';

/** What of a source's files can be restored. */
export interface KeptFiles {
  readonly source: string;
  /** Files that stand. */
  readonly files: number;
  /** Of files, those that stand and earlier ones. */
  readonly versions: number;
  /** Of all these versions together, as they were read. Bytes. */
  readonly readBytes: number;
}

/** What lies in a destination for a source under locks that end in the same month. */
export interface StoredMonth {
  readonly source: string;
  readonly destination: string;
  /** `YYYY-MM`, UTC. */
  readonly month: string;
  /** Versions that rest there. */
  readonly versions: number;
  /** Of these, those that share what is stored with another one. */
  readonly sharedVersions: number;
  /** Of these, those inside packs. */
  readonly packedVersions: number;
  /** Sealed bytes that were stored for them, each counted once. */
  readonly storedBytes: number;
  /** Bytes that sharing saved. */
  readonly savedBytes: number;
  /** Of `storedBytes`, what only earlier states of files need. */
  readonly olderBytes: number;
  readonly lockedUntil: Date;
}

/** What nothing of a source needs any more. Bytes of whole objects. */
export interface UnneededObjects {
  readonly source: string;
  readonly destination: string;
  readonly bytes: number;
  /** Of these, those whose locks have ended. */
  readonly unlockedBytes: number;
}

/** Everything that lies in a destination. */
export interface StoredObjects {
  readonly destination: string;
  readonly objects: number;
  /** With what packs hold that nothing needs any more. */
  readonly bytes: number;
  readonly lockedUntil: Date | null;
}

/** By entry, the newest version that is what the entry is: protected, or gone. */
const newest = `select entry_id, max(observation) as observation from versions
  where outcome in ('uploaded', 'duplicate', 'deleted') group by entry_id`;

/** By source's name; of one source where its id is given. */
export function keptFiles(catalog: Catalog, sourceId: Id | undefined): Promise<KeptFiles[]> {
  return catalog.rows<KeptFiles>(
    `with newest as (${newest}), kept as (
       select e.source_id, count(*) filter (where v.observation = n.observation) as files, count(*) as versions,
              sum(v.size_bytes)::bigint as bytes
       from versions v join entries e on e.id = v.entry_id join newest n on n.entry_id = v.entry_id
       where v.kind = 'file' and v.outcome in ('uploaded', 'duplicate') and v.reason is distinct from 'expired'
       group by e.source_id
     )
     select s.name as source, coalesce(k.files, 0) as files, coalesce(k.versions, 0) as versions,
            coalesce(k.bytes, 0) as "readBytes"
     from sources s left join kept k on k.source_id = s.id
     where $1::text is null or s.id = $1 order by s.name`,
    [sourceId ?? null],
  );
}

/** By source's name, destination and month. What two sources share counts for each of them. */
export function storedMonths(catalog: Catalog, sourceId: Id | undefined): Promise<StoredMonth[]> {
  return catalog.rows<StoredMonth>(
    `with newest as (${newest}), parts as (
       select e.source_id, p.object_id, max(p.length) as length, count(*) as versions,
              bool_or(v.observation = n.observation) as stands
       from placements p join versions v on v.id = p.version_id join entries e on e.id = v.entry_id
       join newest n on n.entry_id = v.entry_id
       where p.state = 'committed' and p.object_id is not null and ($1::text is null or e.source_id = $1)
       group by e.source_id, p.object_id, p.byte_offset
     ), sized as (
       select a.source_id, o.destination, o.retain_until, o.pack_id, coalesce(a.length, o.length) as length,
              a.versions, a.stands
       from parts a join objects o on o.id = a.object_id
     )
     select s.name as source, z.destination, to_char(z.retain_until at time zone 'UTC', 'YYYY-MM') as month,
            sum(z.versions)::bigint as versions,
            coalesce(sum(z.versions) filter (where z.versions > 1), 0)::bigint as "sharedVersions",
            coalesce(sum(z.versions) filter (where z.pack_id is not null), 0)::bigint as "packedVersions",
            sum(z.length)::bigint as "storedBytes",
            sum(z.length * (z.versions - 1))::bigint as "savedBytes",
            coalesce(sum(z.length) filter (where not z.stands), 0)::bigint as "olderBytes",
            max(z.retain_until) as "lockedUntil"
     from sized z join sources s on s.id = z.source_id
     group by s.name, z.destination, month order by s.name, z.destination, month`,
    [sourceId ?? null],
  );
}

export function unneededBySource(catalog: Catalog, sourceId: Id | undefined): Promise<UnneededObjects[]> {
  return catalog.rows<UnneededObjects>(
    `select s.name as source, o.destination, sum(o.length)::bigint as bytes,
            coalesce(sum(o.length) filter (where o.retain_until <= now()), 0)::bigint as "unlockedBytes"
     from objects o join sources s on s.id = o.unneeded_by
     where o.state <> 'deleted' and o.unneeded_by is not null and ($1::text is null or o.unneeded_by = $1)
     group by s.name, o.destination`,
    [sourceId ?? null],
  );
}

export function storedObjects(catalog: Catalog): Promise<StoredObjects[]> {
  return catalog.rows<StoredObjects>(
    `select destination, count(*) as objects, sum(length)::bigint as bytes, max(retain_until) as "lockedUntil"
     from objects where state <> 'deleted' group by destination order by destination`,
  );
}
