import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { say } from '../text/voice.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import { leavesOf } from './packed-events.ts';
import { withEvidence } from './policy-query.ts';
import type { DecisionRow } from './rows.ts';
import {
  type EventRow,
  isCanonical,
  readRow,
  type StoredEvent,
  type StoredRow,
  storedColumns,
} from './stored-events.ts';

/** Held, shared, by whoever writes events: migration 0024. */
const writersLock = 7_203_116;
/** How long writers may be kept waiting: below Postgres' own deadlock_timeout, so that nobody's transaction is ended for it. */
const writersWaitMs = 400;
const lockNotAvailable = '55P03';

export interface HeadRow {
  readonly number: number;
  /** Number of the newest event it covers. */
  readonly lastEvent: number;
  readonly head: Buffer;
  readonly signature: Buffer;
  readonly peaks: Buffer;
  readonly at: Date;
}

/** Bytes of each part of a head: ours have some hundreds, and whoever owns the table can put anything there. */
const mostHeadBytes = 4_096;
const headBytes = (column: string): string =>
  `coalesce(substring(${column} for ${mostHeadBytes}), ''::bytea) as ${column}`;
const headColumns = `number, coalesce(last_event, 0) as "lastEvent", ${headBytes('head')}, ${headBytes('signature')},
  ${headBytes('peaks')}, at`;

/**
 * The highest event number below which none is still to come; 0 while there are no events. Undefined where somebody has been
 * writing events for too long: whoever asks again later gets an answer.
 */
export async function settledEvents(catalog: Catalog): Promise<number | undefined> {
  try {
    return await catalog.transaction(async (rows) => {
      await rows(`set local lock_timeout = ${writersWaitMs}`, []);
      await rows('select pg_advisory_xact_lock($1)', [writersLock]);
      const [row] = (await rows('select coalesce(max(number), 0) as number from audit_events', [])) as {
        number: number;
      }[];
      return row?.number ?? 0;
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === lockNotAvailable) return undefined;
    throw error;
  }
}

export async function hasEventsAfter(rows: Rows, after: number | undefined): Promise<boolean> {
  const found = await rows(
    'select 1 from audit_events where $1::bigint is null or number > $1 order by number limit 1',
    [after ?? null],
  );
  return found.length > 0;
}

/**
 * Rows of events by number: as many as make so many leaves, a row of many more if they end in the middle of it.
 *
 * @param most parameter of the number of leaves
 */
const page = (columns: string, where: string, most: string): string =>
  `select ${columns} from (
     select *, sum(coalesce(length(leaves) / 32, 1)) over (order by number) - coalesce(length(leaves) / 32, 1) as before
     from (select * from audit_events where ${where} order by number limit ${most}) numbered
   ) counted where before < ${most} order by number`;

export interface LeafBatch {
  /** Number of the newest event in it. */
  readonly last: number;
  readonly leaves: readonly Buffer[];
}

/**
 * Leaves of the next events after a number, in order: none above `upTo`, and none after the row that has the `most`th.
 * Undefined: there are none.
 */
export async function nextLeaves(
  rows: Rows,
  range: { readonly after: number | undefined; readonly upTo: number; readonly most: number },
): Promise<LeafBatch | undefined> {
  const found = (await rows(
    `select max(number) as last, string_agg(coalesce(leaves, leaf), ''::bytea order by number) as leaves
     from (${page('number, leaf, leaves', '($1::bigint is null or number > $1) and number <= $2', '$3')}) next`,
    [range.after ?? null, range.upTo, range.most],
  )) as { last: number | null; leaves: Buffer | null }[];
  const [{ last = null, leaves = null } = {}] = found;
  return last === null || leaves === null ? undefined : { last, leaves: leavesOf(leaves) };
}

export async function newestHead(rows: Rows): Promise<HeadRow | undefined> {
  const [row] = await rows(`select ${headColumns} from audit_heads order by number desc limit 1`, []);
  return row as HeadRow | undefined;
}

export async function insertHead(rows: Rows, row: HeadRow): Promise<void> {
  await rows(
    `insert into audit_heads (number, last_event, head, signature, peaks, at) values ($1, $2, $3, $4, $5, $6)`,
    [row.number, row.lastEvent, row.head, row.signature, row.peaks, row.at],
  );
}

/** Heads after a number, in order. */
export function headsAfter(catalog: Catalog, after: number, most: number): Promise<HeadRow[]> {
  return catalog.rows<HeadRow>(
    `select ${headColumns} from audit_heads where number > $1 order by number limit $2`,
    [after, most],
  );
}

/** The events of rows, in order. Failure `audit_mismatch` where a row cannot be read. */
function eventsIn(rows: readonly StoredRow[]): StoredEvent[] {
  return rows.flatMap((row): readonly StoredEvent[] => {
    const { number, events } = readRow(row);
    if (events.length === 0 || !events.every(isCanonical))
      throw new Failure('audit_mismatch', {
        detail: say('audit', 'row_unreadable', { number: String(number) }),
      });
    return events;
  });
}

/** Rows after a number, in order, with about `most` events. */
export async function rowsAfter(
  catalog: Catalog,
  after: number | undefined,
  most: number,
): Promise<EventRow[]> {
  const rows = await catalog.rows<StoredRow>(
    page(storedColumns, '($1::bigint is null or number > $1)', '$2'),
    [after ?? null, most],
  );
  return rows.map(readRow);
}

export interface AnchorRow {
  readonly number: number;
  readonly destination: string;
  /** Null: the bucket has another head of ours there. */
  readonly s3VersionId: string | null;
  readonly lockMode: string | null;
  readonly retainUntil: Date | null;
  readonly at: Date;
}

const anchorColumns = `number, destination, s3_version_id as "s3VersionId", lock_mode as "lockMode",
  retain_until as "retainUntil", at`;

export async function newestAnchor(catalog: Catalog, destination: string): Promise<AnchorRow | undefined> {
  const [row] = await catalog.rows<AnchorRow>(
    `select ${anchorColumns} from audit_anchors where destination = $1 order by number desc limit 1`,
    [destination],
  );
  return row;
}

/** Recorded anchors of a destination, by number. */
export function anchorsOf(catalog: Catalog, destination: string): Promise<AnchorRow[]> {
  return catalog.rows<AnchorRow>(
    `select ${anchorColumns} from audit_anchors where destination = $1 order by number`,
    [destination],
  );
}

export async function insertAnchor(catalog: Catalog, row: Omit<AnchorRow, 'at'>): Promise<void> {
  await catalog.rows(
    `insert into audit_anchors (number, destination, s3_version_id, lock_mode, retain_until)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [row.number, row.destination, row.s3VersionId, row.lockMode, row.retainUntil],
  );
}

/** Until when the longest lock of what lies in a destination lasts; undefined where nothing does. */
export async function longestLock(catalog: Catalog, destination: string): Promise<Date | undefined> {
  const [row] = await catalog.rows<{ retainUntil: Date | null }>(
    `select max(retain_until) as "retainUntil" from objects where destination = $1 and state <> 'deleted'`,
    [destination],
  );
  return row?.retainUntil ?? undefined;
}

/** What no anchor outside of the database covers yet. */
export interface AuditLag {
  /** Events that are in no signed head. */
  readonly unsigned: number;
  readonly oldestUnsignedSeconds: number;
  /** By destination: heads after its newest anchor, and how old the oldest of them is. */
  readonly destinations: readonly {
    readonly destination: string;
    readonly unanchored: number;
    readonly oldestSeconds: number;
    /** Anchors that the bucket has otherwise. */
    readonly conflicts: number;
  }[];
}

export async function auditLag(catalog: Catalog, destinations: readonly string[]): Promise<AuditLag> {
  const [fresh] = await catalog.rows<{ unsigned: number; oldest: number }>(
    `select coalesce(sum(coalesce(length(leaves) / 32, 1)), 0)::int8 as unsigned,
            coalesce(extract(epoch from now() - min(coalesce(first_at, at))), 0)::float8 as oldest from audit_events
     where number > coalesce((select max(last_event) from audit_heads), 0)`,
  );
  const behind = await catalog.rows<AuditLag['destinations'][number]>(
    `select d.destination, count(h.number) as unanchored,
            coalesce(extract(epoch from now() - min(h.at)), 0)::float8 as "oldestSeconds",
            (select count(*) from audit_anchors a where a.destination = d.destination and a.s3_version_id is null) as conflicts
     from unnest($1::text[]) as d(destination)
     left join audit_heads h on h.number > coalesce(
       (select max(number) from audit_anchors a where a.destination = d.destination), 0)
     group by d.destination order by d.destination`,
    [destinations],
  );
  return {
    unsigned: fresh?.unsigned ?? 0,
    oldestUnsignedSeconds: fresh?.oldest ?? 0,
    destinations: behind,
  };
}

const exportedAtOnce = 2_000;

/** Events told between two moments, both included, by number. */
export async function* eventsBetween(catalog: Catalog, from: Date, to: Date): AsyncGenerator<StoredEvent> {
  const isBetween = ({ event: { at } }: StoredEvent): boolean =>
    from.getTime() <= Date.parse(String(at)) && Date.parse(String(at)) <= to.getTime();
  for (let after: number | undefined; ; ) {
    const where = `at >= $1 and coalesce(first_at, at) <= $2 and ($3::bigint is null or number > $3)`;
    const rows: StoredEvent[] = eventsIn(
      await catalog.rows<StoredRow>(page(storedColumns, where, '$4'), [
        ...[from, to, after ?? null, exportedAtOnce],
      ]),
    );
    yield* rows.filter(isBetween);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.number;
  }
}

/** Refusals that were told since a moment, by this host. */
export async function refusedSince(catalog: Catalog, hostId: Id, since: Date): Promise<RefusedEvent[]> {
  const found = await catalog.rows<{ event: { subject: Id; actor: string; facts: RefusedEvent['facts'] } }>(
    `select event from audit_events
     where at >= $1 and event ->> 'step' = 'access' and event ->> 'host' = $2 order by number`,
    [since, hostId],
  );
  return found.map(({ event: { subject, actor, facts } }) => ({
    ...{ id: subject, at: String(facts.at), actor, facts },
  }));
}

/** `id`: of the deed that was noted down, `at` then. */
export interface RefusedEvent {
  readonly id: Id;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly actor: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** What is told of a version, in order. */
export async function eventsOfVersion(catalog: Catalog, versionId: Id): Promise<StoredEvent[]> {
  const rows = await catalog.rows<StoredRow>(
    `select ${storedColumns} from audit_events where event ->> 'version' = $1
     union all select ${storedColumns} from audit_events where workflow = (select workflow_id from versions where id = $1)
     order by number`,
    [versionId],
  );
  return eventsIn(rows).filter(({ event }) => event.version === versionId);
}

/** A step of a version's life, or what else was told of it. */
export interface ToldStep {
  readonly number: number;
  readonly eventId: Id;
  readonly at: Date;
  readonly step: string;
  /** Empty where it is about none. */
  readonly destination: string;
  readonly ordinal: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What is told of a version step by step, in the order of the events. */
export async function stepsOfVersion(catalog: Catalog, versionId: Id): Promise<ToldStep[]> {
  return (await eventsOfVersion(catalog, versionId)).flatMap(({ number, event }) =>
    ((event.steps ?? [event]) as Partial<Omit<ToldStep, 'at'> & { at: string }>[]).map((told) => ({
      ...{ number, eventId: String(event.id), at: new Date(told.at ?? ''), step: told.step ?? '' },
      ...{ destination: told.destination ?? '', ordinal: told.ordinal ?? 0, facts: told.facts ?? {} },
    })),
  );
}

/** Versions for which the objects were made that a version rests on, where it is another's. */
export async function makersOf(catalog: Catalog, versionId: Id): Promise<Id[]> {
  const found = await catalog.rows<{ id: Id }>(
    `select distinct g.version_id as id from placements p join objects o on o.id = p.object_id
     left join pack_members m on m.pack_id = o.pack_id and m.byte_offset = p.byte_offset
     join sealings g on g.id = coalesce(o.sealing_id, m.sealing_id)
     where p.version_id = $1 and p.state = 'committed' and g.version_id <> $1 order by 1`,
    [versionId],
  );
  return found.map(({ id }) => id);
}

/** The head that covers the event with this number; undefined while none does. */
export async function headCovering(catalog: Catalog, event: number): Promise<HeadRow | undefined> {
  const [row] = await catalog.rows<HeadRow>(
    `select ${headColumns} from audit_heads where last_event >= $1 order by number limit 1`,
    [event],
  );
  return row;
}

/** The first anchor that covers a head; undefined while none does. */
export async function anchorCovering(catalog: Catalog, head: number): Promise<AnchorRow | undefined> {
  const [row] = await catalog.rows<AnchorRow>(
    `select ${anchorColumns} from audit_anchors where number >= $1 and s3_version_id is not null
     order by number, destination limit 1`,
    [head],
  );
  return row;
}

export type StoredDecision = Pick<DecisionRow, 'id' | 'gate' | 'inputHash' | 'evidence' | 'position'>;

/** Decisions about a version, in the order of the gates. */
export async function decisionsOf(catalog: Catalog, versionId: Id): Promise<StoredDecision[]> {
  return withEvidence(
    catalog,
    await catalog.rows<Omit<StoredDecision, 'evidence'> & { evidenceId: Id }>(
      `select id, gate, input_hash as "inputHash", evidence_id as "evidenceId", position
       from decisions where version_id = $1 order by gate, at, id`,
      [versionId],
    ),
  );
}
