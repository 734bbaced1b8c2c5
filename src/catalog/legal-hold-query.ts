import type { Id } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import { insertEvents } from './insert-events.ts';
import type { AuditRow } from './rows.ts';

/** A legal hold: nothing at or below the path goes while it is active. */
export interface LegalHold {
  readonly id: Id;
  readonly sourceId: Id;
  readonly source: string;
  /** Empty for the whole source. */
  readonly path: Buffer;
  /** Empty where none was named. */
  readonly caseName: string;
  readonly reason: string;
  readonly placedAt: Date;
  readonly placedBy: string;
  readonly releasedAt: Date | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
  /** Objects that are held in their buckets for it. */
  readonly objects: number;
}

const columns = `l.id, l.source_id as "sourceId", s.name as source, l.path, l.case_name as "caseName", l.reason,
  l.placed_at as "placedAt", l.placed_by as "placedBy", l.released_at as "releasedAt", l.released_by as "releasedBy",
  l.release_reason as "releaseReason",
  (select count(*)::int from legal_hold_objects x where x.hold_id = l.id) as objects`;

/** Active holds, or with `all` the released ones too; the newest first. */
export async function legalHolds(
  catalog: Catalog,
  wanted: { readonly sourceId?: Id | undefined; readonly all?: boolean | undefined },
): Promise<LegalHold[]> {
  return catalog.rows<LegalHold>(
    `select ${columns} from legal_holds l join sources s on s.id = l.source_id
     where ($1::text is null or l.source_id = $1) and ($2 or l.released_at is null)
     order by l.placed_at desc, l.id`,
    [wanted.sourceId ?? null, wanted.all ?? false],
  );
}

/** Active holds on exactly this path. */
export async function legalHoldsOn(catalog: Catalog, sourceId: Id, path: Buffer): Promise<LegalHold[]> {
  return catalog.rows<LegalHold>(
    `select ${columns} from legal_holds l join sources s on s.id = l.source_id
     where l.source_id = $1 and l.path = $2 and l.released_at is null order by l.placed_at, l.id`,
    [sourceId, path],
  );
}

/**
 * Records a hold and tells of it, after every expiry that is under way and before every later one. Nothing where there is
 * one of this case on the path already.
 */
export async function insertLegalHold(
  catalog: Catalog,
  hold: Pick<LegalHold, 'id' | 'sourceId' | 'path' | 'caseName' | 'reason' | 'placedBy'>,
  event: AuditRow,
): Promise<void> {
  const { id, sourceId, path, caseName, reason, placedBy } = hold;
  await inTransaction(catalog, id, async (rows) => {
    await rows('insert into retention_sources (source_id) values ($1) on conflict do nothing', [sourceId]);
    await rows('select 1 from retention_sources where source_id = $1 for update', [sourceId]);
    const placed = await rows(
      `insert into legal_holds (id, source_id, path, case_name, reason, placed_by) values ($1, $2, $3, $4, $5, $6)
       on conflict (source_id, path, case_name) where released_at is null do nothing returning id`,
      [id, sourceId, path, caseName, reason, placedBy],
    );
    if (placed.length > 0) await insertEvents(rows, [event]);
  });
}

export async function releaseLegalHold(
  catalog: Catalog,
  { id, by, reason }: { readonly id: Id; readonly by: string; readonly reason: string },
  event: AuditRow,
): Promise<void> {
  await inTransaction(catalog, id, async (rows) => {
    const released = await rows(
      `update legal_holds set released_at = now(), released_by = $2, release_reason = $3
       where id = $1 and released_at is null returning id`,
      [id, by, reason],
    );
    if (released.length > 0) await insertEvents(rows, [event]);
  });
}

/** In one transaction; when another one is about the same hold, whoever comes second does nothing. */
async function inTransaction(
  catalog: Catalog,
  holdId: Id,
  work: (rows: Rows) => Promise<void>,
): Promise<void> {
  await catalog.withLock(Number.parseInt(holdId.slice(0, 12), 16), work, undefined);
}

/** An object as its bucket knows it. */
export interface HeldObject {
  readonly id: Id;
  readonly destination: string;
  readonly key: string;
  readonly s3VersionId: string;
}

/** An object that a hold still keeps in its bucket though it was released. */
export interface LeftHeld extends HeldObject {
  readonly holdId: Id;
}

/** Objects of released holds of a source in the order of their ids, at most `limit` rows, those after the row given. */
export async function leftHeld(
  catalog: Catalog,
  sourceId: Id,
  after: Pick<LeftHeld, 'id' | 'holdId'>,
  limit: number,
): Promise<LeftHeld[]> {
  return catalog.rows<LeftHeld>(
    `select x.hold_id as "holdId", o.id, o.destination, o.key, o.s3_version_id as "s3VersionId"
     from legal_holds l join legal_hold_objects x on x.hold_id = l.id join objects o on o.id = x.object_id
     where l.source_id = $1 and l.released_at is not null and (x.object_id, x.hold_id) > ($2, $3)
     order by x.object_id, x.hold_id limit $4`,
    [sourceId, after.id, after.holdId, limit],
  );
}

/** Which advisory lock keeps two from changing the holds of one object at once: these digits of its id. */
const objectLock = (objectId: Id): number => Number.parseInt(objectId.slice(12, 24), 16);

/**
 * Notes that the object is held, once `hold` has held it in its bucket: in one transaction, while nobody else changes the
 * object's holds. False: somebody does, the hold was released, or it could not be held.
 */
export async function addHeldObject(
  catalog: Catalog,
  holdId: Id,
  objectId: Id,
  hold: () => Promise<boolean>,
): Promise<boolean> {
  return catalog.withLock(
    objectLock(objectId),
    async (rows) => {
      const active = await rows('select 1 from legal_holds where id = $1 and released_at is null', [holdId]);
      if (active.length === 0 || !(await hold())) return false;
      await rows(
        'insert into legal_hold_objects (hold_id, object_id) values ($1, $2) on conflict do nothing',
        [holdId, objectId],
      );
      return true;
    },
    false,
  );
}

/**
 * Takes a released hold off an object; when it was the last one, `lift` takes it off in its bucket before. False: somebody
 * else changes the object's holds now, or it could not be lifted.
 */
export async function removeHeldObject(
  catalog: Catalog,
  holdId: Id,
  objectId: Id,
  lift: () => Promise<boolean>,
): Promise<boolean> {
  return catalog.withLock(
    objectLock(objectId),
    async (rows) => {
      const others = await rows(
        `select 1 from legal_hold_objects x join legal_holds l on l.id = x.hold_id
         where x.object_id = $1 and x.hold_id <> $2 and l.released_at is null limit 1`,
        [objectId, holdId],
      );
      if (others.length === 0 && !(await lift())) return false;
      await rows('delete from legal_hold_objects where hold_id = $1 and object_id = $2', [holdId, objectId]);
      return true;
    },
    false,
  );
}
