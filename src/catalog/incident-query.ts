import type { IncidentState } from '../domain/incidents.ts';
import type { Id, IncidentKind } from '../domain/records.ts';
import type { Catalog } from './catalog.ts';
import type { Rows } from './database.ts';
import { insertEvents } from './insert-events.ts';
import type { AuditRow } from './rows.ts';

/** An entry of the breach register. */
export interface Incident {
  readonly id: Id;
  readonly kind: IncidentKind;
  readonly subject: Id;
  readonly sourceId: Id | null;
  /** Name of the source; null where it is about none, or none that is known. */
  readonly source: string | null;
  readonly runId: Id;
  /** Ids and codes. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly detectedAt: Date;
  readonly state: IncidentState;
  readonly openedBy: string;
  readonly detail: string | null;
  readonly acknowledgedAt: Date | null;
  readonly acknowledgedBy: string | null;
  readonly notifiedAt: Date | null;
  readonly notifiedTo: string | null;
  readonly notifiedMeans: string | null;
  readonly notifiedBy: string | null;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
  readonly closeReason: string | null;
}

const columns = `i.id, i.kind, i.subject, i.source_id as "sourceId", s.name as source, i.run_id as "runId", i.facts,
  i.detected_at as "detectedAt", i.state, i.opened_by as "openedBy", i.detail, i.acknowledged_at as "acknowledgedAt",
  i.acknowledged_by as "acknowledgedBy", i.notified_at as "notifiedAt", i.notified_to as "notifiedTo",
  i.notified_means as "notifiedMeans", i.notified_by as "notifiedBy", i.closed_at as "closedAt", i.closed_by as "closedBy",
  i.close_reason as "closeReason"`;
const tables = 'incidents i left join sources s on s.id = i.source_id';

export async function incidentById(catalog: Catalog, id: Id): Promise<Incident | undefined> {
  const [row] = await catalog.rows<Incident>(`select ${columns} from ${tables} where i.id = $1`, [id]);
  return row;
}

/** Incidents, those detected first first, in pages. */
export async function* listedIncidents(
  catalog: Catalog,
  filter: { readonly closed: boolean; readonly kind?: IncidentKind | undefined },
): AsyncGenerator<Incident> {
  let after = { at: '-infinity', id: '' };
  for (;;) {
    const page = await catalog.rows<Incident & { at: string }>(
      `select ${columns}, i.detected_at::text as at from ${tables}
       where (i.detected_at, i.id) > ($1::timestamptz, $2) and ($3 or i.state <> 'closed') and ($4::text is null or i.kind = $4)
       order by i.detected_at, i.id limit 500`,
      [after.at, after.id, filter.closed, filter.kind ?? null],
    );
    for (const { at: _, ...row } of page) yield row;
    const last = page.at(-1);
    if (last === undefined) return;
    after = { at: last.at, id: last.id };
  }
}

/** Incidents that no workflow counts the time of yet, some hundreds; with `all` every one that is not closed. */
export function unwatchedIncidents(
  catalog: Catalog,
  all: boolean,
): Promise<Pick<Incident, 'id' | 'kind' | 'source' | 'runId'>[]> {
  return catalog.rows(
    `select i.id, i.kind, s.name as source, i.run_id as "runId" from ${tables}
     where i.state <> 'closed' and ($1 or i.watched_at is null) order by i.detected_at, i.id limit $2`,
    [all, all ? 10_000 : 200],
  );
}

export async function markWatched(catalog: Catalog, ids: readonly Id[]): Promise<void> {
  await catalog.rows('update incidents set watched_at = now() where id = any($1) and watched_at is null', [
    ids,
  ]);
}

/** Enters an incident by hand, with its event. */
export async function enterIncident(
  catalog: Catalog,
  incident: Pick<
    Incident,
    'id' | 'kind' | 'subject' | 'sourceId' | 'runId' | 'openedBy' | 'detail' | 'detectedAt'
  >,
  event: AuditRow,
): Promise<void> {
  const { id, kind, subject, sourceId, runId, openedBy, detail, detectedAt } = incident;
  await catalog.transaction(async (rows) => {
    await rows(
      `insert into incidents (id, kind, subject, source_id, run_id, facts, opened_by, detail, detected_at)
       values ($1, $2, $3, $4, $5, '{}', $6, $7, $8)`,
      [id, kind, subject, sourceId, runId, openedBy, detail, detectedAt],
    );
    await insertEvents(rows, [event]);
  });
}

/** What somebody does to an incident. */
export type IncidentAct =
  | { readonly act: 'acknowledge'; readonly by: string }
  | {
      readonly act: 'notify';
      readonly by: string;
      readonly to: string;
      readonly means: string;
      readonly at: Date;
    }
  | { readonly act: 'close'; readonly by: string; readonly reason: string | null };

/**
 * Does it with its event where the incident's state allows it, in one transaction; false where it does not: acknowledging
 * one that is not open, notifying one that is notified or closed, closing one that is closed.
 */
export function actOnIncident(catalog: Catalog, id: Id, act: IncidentAct, event: AuditRow): Promise<boolean> {
  return catalog.transaction(async (rows) => {
    const done = await actOnIncidentWith(rows, id, act);
    if (done) await insertEvents(rows, [event]);
    return done;
  });
}

export async function actOnIncidentWith(rows: Rows, id: Id, act: IncidentAct): Promise<boolean> {
  return (await updated(rows, id, act)).length > 0;
}

function updated(rows: Rows, id: Id, act: IncidentAct): Promise<object[]> {
  if (act.act === 'acknowledge') {
    return rows(
      `update incidents set state = 'acknowledged', acknowledged_at = now(), acknowledged_by = $2
       where id = $1 and state = 'open' returning id`,
      [id, act.by],
    );
  }
  if (act.act === 'notify') {
    return rows(
      `update incidents set state = 'notified', notified_at = $2, notified_to = $3, notified_means = $4, notified_by = $5
       where id = $1 and state in ('open', 'acknowledged') returning id`,
      [id, act.at, act.to, act.means, act.by],
    );
  }
  return rows(
    `update incidents set state = 'closed', closed_at = now(), closed_by = $2, close_reason = $3
     where id = $1 and state <> 'closed' and ($3::text is not null or notified_at is not null) returning id`,
    [id, act.by, act.reason],
  );
}

/** The breach register in numbers. */
export interface IncidentTotals {
  /** Not closed. */
  readonly open: number;
  /** Of these, the ones that still have to be notified, and when the first of them was detected. */
  readonly toNotify: number;
  readonly oldestDetectedAt: Date | null;
  /** To be notified, and detected so long ago that the time is over. */
  readonly overdue: number;
  /** Not closed and, minutes after their detection, without a workflow that counts their time. */
  readonly unwatched: number;
}

/** @param notifyWithinMs from the detection to the end of the time for notification */
export async function incidentTotals(catalog: Catalog, notifyWithinMs: number): Promise<IncidentTotals> {
  const toNotify = `state in ('open', 'acknowledged')`;
  const [row] = await catalog.rows<IncidentTotals>(
    `select count(*)::int as open, (count(*) filter (where ${toNotify}))::int as "toNotify",
            min(detected_at) filter (where ${toNotify}) as "oldestDetectedAt",
            (count(*) filter (where ${toNotify} and detected_at <= now() - $1 * interval '1 ms'))::int as overdue,
            (count(*) filter (where watched_at is null and detected_at < now() - interval '5 minutes'))::int as unwatched
     from incidents where state <> 'closed'`,
    [notifyWithinMs],
  );
  return row ?? { open: 0, toNotify: 0, oldestDetectedAt: null, overdue: 0, unwatched: 0 };
}

/** How many incidents of a kind are not closed. */
export async function openIncidentsOf(catalog: Catalog, kind: IncidentKind): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    `select count(*)::int as count from incidents where kind = $1 and state <> 'closed'`,
    [kind],
  );
  return row?.count ?? 0;
}

/** What the catalog knows of the files an incident is about. */
export interface ConcernedFiles {
  readonly count: number;
  /** The highest classification among them; null where policy did not classify them. */
  readonly classification: string | null;
  /** Of a few of them. */
  readonly paths: readonly Buffer[];
}

/** Files an incident is about: the one whose version it names, or all with the content or object it names. */
export async function concernedFiles(
  catalog: Catalog,
  { kind, subject, facts, sourceId }: Pick<Incident, 'kind' | 'subject' | 'facts' | 'sourceId'>,
): Promise<ConcernedFiles | undefined> {
  if (kind === 'mass_change') {
    const { changed, vanished } = facts as { changed?: number; vanished?: number };
    const count = (changed ?? 0) + (vanished ?? 0);
    return count === 0 ? undefined : { count, classification: null, paths: [] };
  }
  const version = typeof facts.version === 'string' ? facts.version : subject;
  const object = typeof facts.object === 'string' ? facts.object : subject;
  const [row] = await catalog.rows<ConcernedFiles>(
    `with concerned as (
       select v.entry_id, v.admission ->> 'classification' as classification from versions v where v.id = $1
       union
       select v.entry_id, v.admission ->> 'classification' from placements p join versions v on v.id = p.version_id
       where p.object_id = $2
       union
       select v.entry_id, v.admission ->> 'classification' from scans sc join versions v on v.sha512 = sc.sha512
       where sc.id = $4
     ), files as (
       select distinct on (e.id) e.id, e.path, c.classification from concerned c join entries e on e.id = c.entry_id
       where $3::text is null or e.source_id = $3 order by e.id
     )
     select count(*)::int as count,
       (array_agg(classification order by array_position(array['restricted', 'confidential', 'internal', 'public'], classification))
         filter (where classification is not null))[1] as classification,
       coalesce((array_agg(path order by path))[1:20], '{}') as paths
     from files`,
    [version, object, sourceId, kind === 'late_detection' ? subject : null],
  );
  return row === undefined || row.count === 0 ? undefined : row;
}
