import type { Id, LockMode } from '../domain/records.ts';
import type { StandingVersion } from '../domain/retention.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import { insertEvents } from './insert-events.ts';
import type { AuditRow } from './rows.ts';
import { atOrBelow, Values } from './selected-entries.ts';

/** What retention knows of a source. */
export interface SourceRetention {
  /** Since when nothing of it expires; null while retention goes on. */
  readonly pausedAt: Date | null;
  /** Nothing of the state at this moment goes; set while paused. */
  readonly pinnedAt: Date | null;
  readonly incidentId: Id | null;
}

export async function sourceRetention(catalog: Catalog, sourceId: Id): Promise<SourceRetention> {
  const [row] = await catalog.rows<SourceRetention>(
    `select paused_at as "pausedAt", pinned_at as "pinnedAt", incident_id as "incidentId"
     from retention_sources where source_id = $1`,
    [sourceId],
  );
  return row ?? { pausedAt: null, pinnedAt: null, incidentId: null };
}

export interface PausedSource {
  /** By name. */
  readonly source: string;
  /** The state that is kept. */
  readonly pinnedAt: Date;
}

/** Sources whose retention is paused, by name. */
export async function pausedSources(catalog: Catalog): Promise<PausedSource[]> {
  return catalog.rows<PausedSource>(
    `select s.name as source, r.pinned_at as "pinnedAt" from retention_sources r join sources s on s.id = r.source_id
     where r.paused_at is not null order by s.name`,
  );
}

/** Ends a source's pause and tells of it; false where there is none. */
export async function endPause(
  catalog: Catalog,
  { sourceId, by, reason }: { readonly sourceId: Id; readonly by: string; readonly reason: string },
  event: AuditRow,
): Promise<boolean> {
  return catalog.withLock(
    // Nobody else has this event's digits: the lock is there for the transaction.
    Number.parseInt(event.id.slice(0, 12), 16),
    async (rows) => {
      const resumed = await rows(
        `update retention_sources set paused_at = null, pinned_at = null, resumed_at = now(), resumed_by = $2, resume_reason = $3
         where source_id = $1 and paused_at is not null returning source_id`,
        [sourceId, by, reason],
      );
      if (resumed.length > 0) await insertEvents(rows, [event]);
      return resumed.length > 0;
    },
    false,
  );
}

/** How the newest ended run of each source ended, and how long ago; none of a source that had no run yet. */
export async function lastRetentions(
  catalog: Catalog,
): Promise<{ readonly source: string; readonly hours: number; readonly result: string }[]> {
  return catalog.rows(
    `select s.name as source, r.result, (extract(epoch from now() - r.ended_at) / 3600)::float8 as hours
     from sources s join lateral (
       select result, ended_at from run_log where kind = 'retention' and source_id = s.id and ended_at is not null
       order by started_at desc limit 1
     ) r on true order by s.name`,
  );
}

/** The catalog's clock, which versions are dated by. */
export async function catalogNow(catalog: Catalog): Promise<Date> {
  const [row] = await catalog.rows<{ now: Date }>('select now() as now');
  return row?.now ?? new Date(Number.NaN);
}

// ── versions ──────────────────────────────────────────────────────────────────────────────────────────────────

/** An object that a version rests on. */
export interface RestedObject {
  readonly id: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  readonly lockMode: LockMode;
  readonly retainUntil: Date;
  /** Legal holds that its bucket knows of too. */
  readonly heldBy: readonly Id[];
}

/** A version with committed placements. */
export interface PlacedVersion extends StandingVersion {
  readonly entryId: Id;
  readonly observation: number;
  /** The entry was deleted from its source. */
  readonly isGone: boolean;
  /** Legal holds that cover its path. */
  readonly holds: readonly Id[];
  readonly objects: readonly RestedObject[];
}

/** A place in the pass over a source's versions: by entry, in each entry the newest first. */
export interface VersionCursor {
  readonly entryId: Id;
  readonly observation: number;
}

export const firstVersion: VersionCursor = { entryId: '', observation: 0 };

/** Whether an active legal hold `l` covers the path of `e`. */
const covers = `l.source_id = e.source_id and l.released_at is null
  and (l.path = ''::bytea or e.path = l.path or substring(e.path from 1 for octet_length(l.path) + 1) = l.path || '/'::bytea)`;

/** What takes a version's place: a later one that was protected, or a tombstone. */
const takesThePlaceOf = (version: string): string =>
  `n.entry_id = ${version}.entry_id and n.observation > ${version}.observation and n.outcome in ('uploaded', 'duplicate', 'deleted')`;

/** The next placed versions of a source, or of what lies at or below a path of it, at most `limit`. */
export async function placedVersions(
  catalog: Catalog,
  { sourceId, path }: { readonly sourceId: Id; readonly path?: Buffer | undefined },
  after: VersionCursor,
  limit: number,
): Promise<PlacedVersion[]> {
  const values = new Values([sourceId, after.entryId, after.observation, limit]);
  // Each shape has a text of its own, so that the plan that is kept for it can use the index on paths, or need not.
  const within = path === undefined || path.length === 0 ? '' : `and ${atOrBelow(path, values)}`;
  const rows = await catalog.rows<PlacedRow>(
    `select v.id, v.entry_id as "entryId", v.observation, v.observed_at as "observedAt",
            v.admission -> 'retention' ->> 'class' as "retentionClass", coalesce(h.outcome = 'deleted', false) as "isGone",
            (select n.observed_at from versions n where ${takesThePlaceOf('v')} order by n.observation limit 1) as "supersededAt",
            (select coalesce(jsonb_agg(l.id), '[]') from legal_holds l where ${covers}) as holds,
            (select jsonb_agg(jsonb_build_object(
               'id', o.id, 'destination', o.destination, 'key', o.key, 's3VersionId', o.s3_version_id, 'lengthBytes', o.length,
               'lockMode', o.lock_mode, 'retainUntil', o.retain_until,
               'heldBy', (select coalesce(jsonb_agg(x.hold_id), '[]') from legal_hold_objects x where x.object_id = o.id)))
             from placements p join objects o on o.id = p.object_id
             where p.version_id = v.id and p.state = 'committed' and o.state = 'live') as objects
     from entries e join versions v on v.entry_id = e.id left join versions h on h.id = e.head_version_id
     -- The bound on versions lets a merge of both indexes begin where the page does, not at the first version there is.
     where e.source_id = $1 and e.id >= $2 and v.entry_id >= $2 and (e.id > $2 or v.observation < $3) ${within}
       and exists (select 1 from placements p where p.version_id = v.id and p.state = 'committed')
     order by e.id, v.observation desc limit $4`,
    values.list,
  );
  return rows.map(({ objects, ...row }) => ({
    ...row,
    objects: (objects ?? []).map((object) => ({ ...object, retainUntil: new Date(object.retainUntil) })),
  }));
}

type PlacedRow = Omit<PlacedVersion, 'objects'> & {
  readonly objects: readonly (Omit<RestedObject, 'retainUntil'> & { readonly retainUntil: string })[] | null;
};

/** Which advisory lock keeps two from changing the same source's retention at once: these digits of its id. */
const sourceLock = (sourceId: Id): number => Number.parseInt(sourceId.slice(20, 32), 16);

/** Keeps a pause from beginning until the transaction ends; false where one has begun. */
async function goesOn(rows: Rows, sourceId: Id): Promise<boolean> {
  await rows('insert into retention_sources (source_id) values ($1) on conflict do nothing', [sourceId]);
  const found = await rows(
    'select 1 from retention_sources where source_id = $1 and paused_at is null for share',
    [sourceId],
  );
  return found.length > 0;
}

/**
 * Lets versions of a source expire, those that still may: nothing of a paused source, nothing under a legal hold, nothing
 * that became the entry's newest protected version again. Their outcome stays, their placements are `deleted`, and the
 * next manifest tells it. Objects that nothing rests on then are noted.
 *
 * @returns which did; undefined while another run does the like
 */
export async function expireVersions(
  catalog: Catalog,
  sourceId: Id,
  versions: ReadonlyMap<Id, AuditRow>,
): Promise<Id[] | undefined> {
  return catalog.withLock<Id[] | undefined>(
    sourceLock(sourceId),
    async (rows) => {
      if (!(await goesOn(rows, sourceId))) return [];
      // Objects first, as every writer takes them. Two that let the last versions of one object go see each other so.
      const objects = (await rows(
        `select o.id from objects o where o.id in (
           select p.object_id from placements p where p.version_id = any($1) and p.state = 'committed')
         order by o.id for no key update`,
        [[...versions.keys()]],
      )) as { id: Id }[];
      const expired = (await rows(
        `with doomed as (
           select v.id from versions v join entries e on e.id = v.entry_id
           where v.id = any($1) and e.source_id = $2
             and exists (select 1 from versions n where ${takesThePlaceOf('v')})
             and not exists (select 1 from legal_holds l where ${covers})
           order by v.id for no key update of v
         ), gone as (
           update placements p set state = 'deleted', reason = 'expired', at = now() from doomed
           -- A copy that was only planned is not made any more.
           where p.version_id = doomed.id and p.state in ('committed', 'planned') returning p.version_id
         )
         update versions v set reason = 'expired', settled_at = now(), journal = null
         from (select distinct version_id from gone) g where v.id = g.version_id returning v.id`,
        [[...versions.keys()], sourceId],
      )) as { id: Id }[];
      // A statement of its own, which sees what the one before has done, and what others did before it got the objects.
      await rows(
        `update objects o set unneeded_by = $2
         where o.id = any($1) and o.state = 'live' and not exists (${restingOn('o')})`,
        [objects.map(({ id }) => id), sourceId],
      );
      await insertEvents(
        rows,
        expired.flatMap(({ id }) => versions.get(id) ?? []),
      );
      return expired.map(({ id }) => id);
    },
    undefined,
  );
}

// ── objects ───────────────────────────────────────────────────────────────────────────────────────────────────

/** What keeps an object: versions in any state but those that ended without it. */
const restingOn = (object: string): string =>
  `select 1 from placements p where p.object_id = ${object}.id and p.state not in ('deleted', 'failed', 'denied')`;

/** Nothing needs the object: no version, no hold that waits for an approval, no legal hold. */
const isUnneeded = `not exists (${restingOn('o')})
  and not exists (select 1 from legal_hold_objects x where x.object_id = o.id)
  and not exists (select 1 from holds h where h.state = 'open' and (h.sealing_id = o.sealing_id or exists (
    select 1 from pack_members m where m.pack_id = o.pack_id and m.sealing_id = h.sealing_id)))`;

export interface UnneededObject {
  readonly id: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  readonly retainUntil: Date;
}

const unneededColumns = `o.id, o.destination, o.key, o.s3_version_id as "s3VersionId", o.length as "lengthBytes",
  o.retain_until as "retainUntil"`;

/** Objects whose last version expired with this source, in the order of their ids, at most `limit`. */
export async function unneededObjects(
  catalog: Catalog,
  sourceId: Id,
  o: { readonly after: Id; readonly limit: number; readonly lockEndedBy?: Date },
): Promise<UnneededObject[]> {
  return catalog.rows<UnneededObject>(
    `select ${unneededColumns} from objects o
     where o.unneeded_by = $1 and o.state <> 'deleted' and o.id > $2
       and (o.state = 'deleting' or $4::timestamptz is null or o.retain_until <= $4)
     order by o.id limit $3`,
    [sourceId, o.after, o.limit, o.lockEndedBy ?? null],
  );
}

/**
 * Takes objects out of reach: from here on nothing comes to rest on them. Only those whose lock has ended and that nothing
 * needs; one that is needed again is forgotten. What an earlier run took and did not delete is among them.
 *
 * @returns which may be deleted now; undefined while another run does the like
 */
export async function takeForDeletion(
  catalog: Catalog,
  sourceId: Id,
  objectIds: readonly Id[],
  lockEndedBy: Date,
): Promise<UnneededObject[] | undefined> {
  return catalog.withLock<UnneededObject[] | undefined>(
    sourceLock(sourceId),
    async (rows) => {
      if (!(await goesOn(rows, sourceId))) return [];
      // In a statement of its own: what waited for the lock must not be judged by what was there before it waited.
      await rows(`select 1 from objects where id = any($1) and state = 'live' order by id for update`, [
        objectIds,
      ]);
      await rows(
        `update objects o set unneeded_by = null
         where o.id = any($1) and o.state = 'live' and exists (${restingOn('o')})`,
        [objectIds],
      );
      await rows(
        `update objects o set state = 'deleting'
         where o.id = any($1) and o.state = 'live' and o.retain_until <= $2 and ${isUnneeded}`,
        [objectIds, lockEndedBy],
      );
      return (await rows(
        `select ${unneededColumns} from objects o where o.id = any($1) and o.state = 'deleting' order by o.id`,
        [objectIds],
      )) as UnneededObject[];
    },
    undefined,
  );
}

/** Whether versions may rest on the object now. */
export async function isLive(catalog: Catalog, objectId: Id): Promise<boolean> {
  const found = await catalog.rows(`select 1 from objects where id = $1 and state = 'live'`, [objectId]);
  return found.length > 0;
}

/** An object that is gone from its bucket, and what is told of it. */
export async function recordDeleted(catalog: Catalog, objectId: Id, event: AuditRow): Promise<void> {
  await catalog.withLock(
    Number.parseInt(objectId.slice(0, 12), 16),
    async (rows) => {
      const gone = await rows(
        `update objects set state = 'deleted' where id = $1 and state = 'deleting' returning id`,
        [objectId],
      );
      if (gone.length > 0) await insertEvents(rows, [event]);
    },
    undefined,
  );
}

/** An object that its bucket would not delete: versions may rest on it again. `lockedUntil` as the bucket says. */
export async function recordRefused(
  catalog: Catalog,
  objectId: Id,
  lockedUntil: Date | undefined,
): Promise<void> {
  await catalog.rows(
    `update objects set state = 'live', retain_until = greatest(retain_until, $2) where id = $1 and state = 'deleting'`,
    [objectId, lockedUntil ?? null],
  );
}

/** Packs of which some files are needed and others are not, in one destination. */
export interface KeptAlive {
  readonly destination: string;
  readonly packs: number;
  /** Bytes of their members that nothing needs. */
  readonly bytes: number;
}

/** What packs keep longer than needed: their members go together. */
export async function keptAliveByPacks(catalog: Catalog, sourceId: Id): Promise<KeptAlive[]> {
  return catalog.rows<KeptAlive>(
    `with partly as (
       select distinct o.id, o.pack_id, o.destination from entries e join versions v on v.entry_id = e.id
       join placements p on p.version_id = v.id and p.state = 'deleted'
       join objects o on o.id = p.object_id and o.pack_id is not null and o.state = 'live'
       where e.source_id = $1 and v.reason = 'expired' and exists (${restingOn('o')})
     )
     select k.destination, count(distinct k.id)::int as packs, sum(m.length)::bigint as bytes
     from partly k join pack_members m on m.pack_id = k.pack_id
     where not exists (select 1 from placements p where p.object_id = k.id and p.byte_offset = m.byte_offset
                         and p.state not in ('deleted', 'failed', 'denied'))
     group by k.destination order by k.destination`,
    [sourceId],
  );
}

/** How many versions still rest on each of the objects. */
export async function countResting(catalog: Catalog, objectIds: readonly Id[]): Promise<Map<Id, number>> {
  const rows = await catalog.rows<{ id: Id; count: number }>(
    `select p.object_id as id, count(*)::int as count from placements p
     where p.object_id = any($1) and p.state not in ('deleted', 'failed', 'denied') group by p.object_id`,
    [objectIds],
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Paths of the entries that versions are of. */
export async function versionPaths(catalog: Catalog, versionIds: readonly Id[]): Promise<Map<Id, Buffer>> {
  if (versionIds.length === 0) return new Map();
  const rows = await catalog.rows<{ id: Id; path: Buffer }>(
    'select v.id, e.path from versions v join entries e on e.id = v.entry_id where v.id = any($1)',
    [versionIds],
  );
  return new Map(rows.map(({ id, path }) => [id, path]));
}

// ── manifests ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface OldManifest {
  readonly number: number;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
}

/**
 * Takes manifests before the last complete checkpoint but one of their destination whose locks have ended: nothing that is
 * there to restore needs them. What an earlier run took and did not delete is among them. None of a paused source, and none
 * while a destination lacks some: it may be copied from another one's.
 */
export async function takeOldManifests(
  catalog: Catalog,
  sourceId: Id,
  destinations: readonly string[],
  lockEndedBy: Date,
  limit: number,
): Promise<OldManifest[]> {
  return catalog.rows<OldManifest>(
    `with ends as (
       select destination, number, row_number() over (partition by destination order by number desc) as place
       from manifests where source_id = $1 and state = 'committed' and kind = 'checkpoint' and is_last_part
     ), bound as (
       -- The first part of the last but one: parts come after the end of the checkpoint before.
       select e.destination, (
         select min(p.number) from manifests p
         where p.source_id = $1 and p.destination = e.destination and p.state = 'committed' and p.kind = 'checkpoint'
           and p.number > coalesce((select o.number from ends o where o.destination = e.destination and o.place = 3), 0)
       ) as number
       from ends e where e.place = 2 and e.destination = any($2)
     ), old as (
       select m.number, m.destination from manifests m join bound b on b.destination = m.destination
       where m.source_id = $1 and m.number < b.number and m.s3_version_id is not null
         and (m.state = 'deleting' or m.state = 'committed' and m.retain_until <= $3)
         and not exists (select 1 from manifests w where w.source_id = $1 and w.state in ('open', 'missing'))
         and not exists (select 1 from retention_sources r where r.source_id = $1 and r.paused_at is not null)
       order by m.number, m.destination limit $4
     )
     update manifests m set state = 'deleting' from old
     where m.source_id = $1 and m.number = old.number and m.destination = old.destination
     returning m.number, m.destination, m.object_key as key, m.s3_version_id as "s3VersionId"`,
    [sourceId, destinations, lockEndedBy, limit],
  );
}

export async function forgetManifest(
  catalog: Catalog,
  sourceId: Id,
  { number, destination }: OldManifest,
): Promise<void> {
  await catalog.rows(
    `delete from manifests where source_id = $1 and number = $2 and destination = $3 and state = 'deleting'`,
    [sourceId, number, destination],
  );
}

/** A manifest that its bucket would not delete. */
export async function keepManifest(
  catalog: Catalog,
  sourceId: Id,
  { number, destination }: OldManifest,
  lockedUntil: Date | undefined,
): Promise<void> {
  await catalog.rows(
    `update manifests set state = 'committed', retain_until = greatest(retain_until, $4)
     where source_id = $1 and number = $2 and destination = $3 and state = 'deleting'`,
    [sourceId, number, destination, lockedUntil ?? null],
  );
}
