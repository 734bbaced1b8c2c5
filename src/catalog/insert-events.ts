import { leafHash } from '../audit/merkle.ts';
import { canonical, canonicalText } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import { Json } from './array-parameter.ts';
import type { Rows } from './database.ts';
import { insertRows } from './insert-rows.ts';
import type { AuditRow } from './rows.ts';

/**
 * Adds events to the audit trail. One that was told before with the same facts is not added again; another account under
 * the same id is refused: failure `audit_conflict`.
 */
export async function insertEvents(query: Rows, events: readonly AuditRow[]): Promise<void> {
  const rows = events.map(({ id, event, at }) => {
    const json = canonical(event);
    return { id, leaf: leafHash(json), event: new Json(json), at };
  });
  const end = 'on conflict do nothing returning id';
  const [added] = (await insertRows(query, 'audit_events', rows, end, 'count(*) as rows')) as {
    rows: number;
  }[];
  if (added === undefined || added.rows === rows.length) return;
  const stored = (await query('select id, event from audit_events where id = any($1)', [
    rows.map(({ id }) => id),
  ])) as { id: string; event: Record<string, unknown> }[];
  const known = new Map(stored.map((row) => [row.id, row.event]));
  for (const { id, event } of events) {
    // Whoever meets it next tells it in other words; the first account stands.
    if (event.step === 'incident') continue;
    if (accountOf(known.get(id)) !== accountOf(event)) throw new Failure('audit_conflict', { event: id });
  }
}

/** What must be equal when the same is told twice: all but the moments of telling, and hashes under a random salt. */
function accountOf(event: Readonly<Record<string, unknown>> | undefined): string {
  const account = withoutTimes(event ?? {});
  const unsalted = JSON.stringify(account, (name, value) => (name === 'inputHash' ? undefined : value));
  return canonicalText(JSON.parse(unsalted));
}

function withoutTimes(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { at: _, ...account } = event;
  const { steps } = account;
  return Array.isArray(steps) ? { ...account, steps: steps.map(withoutTimes) } : account;
}
