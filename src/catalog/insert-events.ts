import { leafHash } from '../audit/merkle.ts';
import { canonical, canonicalText } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import { Json } from './array-parameter.ts';
import type { Rows } from './database.ts';
import { insertRows } from './insert-rows.ts';
import { packEvents, packedIds, type ToldEvent, unpackedEvents } from './packed-events.ts';
import type { AuditRow } from './rows.ts';

/** So many events of one workflow become one row: fewer are not worth it, and can be looked at with SQL. */
const leastPacked = 16;

/**
 * Adds events to the audit trail. One that was told before with the same facts is not added again; another account under
 * the same id is refused: failure `audit_conflict`.
 *
 * No constraint sees that an event in a row of many was told before: it is looked for. Whoever tells the same of a version at the
 * same time waits before, where both write the version's own row.
 */
export async function insertEvents(query: Rows, events: readonly AuditRow[]): Promise<void> {
  if (events.length === 0) return;
  const told = await untold(query, events);
  const byWorkflow = Map.groupBy(told, ({ event }) => workflowOf(event));
  const packed = [...byWorkflow].flatMap(([workflow, group]) =>
    workflow === undefined || group.length < leastPacked ? [] : [{ workflow, group }],
  );
  const together = new Set(packed.flatMap(({ group }) => group));
  const knownBefore = await accountsBefore(
    query,
    [...together].map(({ id }) => id),
  );
  for (const { workflow, group } of packed) {
    const fresh = group.filter((one) => !isTold(one, knownBefore));
    if (fresh.length > 0) await insertRows(query, 'audit_events', [packEvents(workflow, fresh)], '');
  }
  await insertSingle(
    query,
    told.filter((one) => !together.has(one)),
  );
}

/** The workflow that made the version an event is about: such events may share a row. */
function workflowOf({ workflow, version, subject }: AuditRow['event']): string | undefined {
  return typeof workflow === 'string' && version !== undefined && version === subject ? workflow : undefined;
}

type Accounts = ReadonlyMap<string, AuditRow['event']>;

/** Those that no row of many has. */
async function untold(query: Rows, events: readonly AuditRow[]): Promise<ToldEvent[]> {
  const known = await packedBefore(query, events);
  return events
    .filter((event) => !isTold(event, known))
    .map(({ id, event, at }) => {
      const json = canonical(event);
      return { id, event, at, json, leaf: leafHash(json) };
    });
}

async function packedBefore(query: Rows, events: readonly AuditRow[]): Promise<Accounts> {
  const workflows = [...new Set(events.map(({ event }) => workflowOf(event)))].filter(
    (one) => one !== undefined,
  );
  if (workflows.length === 0) return new Map();
  const rows = (await query('select id, ids from audit_events where workflow = any($1)', [workflows])) as {
    id: string;
    ids: Buffer;
  }[];
  const wanted = new Set(events.map(({ id }) => id));
  const touched = rows.filter(({ ids }) => packedIds(ids).some((id) => wanted.has(id)));
  if (touched.length === 0) return new Map();
  const found = (await query('select ids, events from audit_events where id = any($1)', [
    touched.map(({ id }) => id),
  ])) as { ids: Buffer; events: Buffer }[];
  return new Map(
    found.flatMap(({ ids, events }) => {
      const unpacked = unpackedEvents(events) ?? [];
      return packedIds(ids).map((id, index) => [id, unpacked[index]?.event ?? {}] as const);
    }),
  );
}

async function insertSingle(query: Rows, told: readonly ToldEvent[]): Promise<void> {
  const rows = told.map(({ id, leaf, json, at }) => ({ id, leaf, event: new Json(json), at }));
  const end = 'on conflict do nothing returning id';
  const [added] = (await insertRows(query, 'audit_events', rows, end, 'count(*) as rows')) as {
    rows: number;
  }[];
  if (added === undefined || added.rows === rows.length) return;
  const known = await accountsBefore(
    query,
    told.map(({ id }) => id),
  );
  for (const one of told) if (!isTold(one, known)) throw new Failure('audit_conflict', { event: one.id });
}

async function accountsBefore(query: Rows, ids: readonly string[]): Promise<Accounts> {
  if (ids.length === 0) return new Map();
  const stored = (await query('select id, event from audit_events where id = any($1) and event is not null', [
    ids,
  ])) as { id: string; event: AuditRow['event'] }[];
  return new Map(stored.map(({ id, event }) => [id, event]));
}

/** Failure `audit_conflict`: it was told, and otherwise. */
function isTold({ id, event }: Pick<AuditRow, 'id' | 'event'>, known: Accounts): boolean {
  const before = known.get(id);
  if (before === undefined) return false;
  // Whoever meets it next tells it in other words; the first account stands.
  if (event.step === 'incident') return true;
  if (accountOf(before) !== accountOf(event)) throw new Failure('audit_conflict', { event: id });
  return true;
}

/** What must be equal when the same is told twice: all but the moments of telling, and hashes under a random salt. */
function accountOf(event: AuditRow['event']): string {
  const account = withoutTimes(event);
  const unsalted = JSON.stringify(account, (name, value) => (name === 'inputHash' ? undefined : value));
  return canonicalText(JSON.parse(unsalted));
}

function withoutTimes(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { at: _, ...account } = event;
  const { steps } = account;
  return Array.isArray(steps) ? { ...account, steps: steps.map(withoutTimes) } : account;
}
