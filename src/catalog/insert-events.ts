import type { Rows } from './database.ts';
import type { AuditRow } from './rows.ts';

/** Tells events in the transaction that changes their subjects from a state they never come back to: so each is told once. */
export async function insertEvents(rows: Rows, events: readonly AuditRow[]): Promise<void> {
  if (events.length === 0) return;
  await rows(
    `insert into audit_events (id, leaf, event, at)
     select id, leaf, event, at from jsonb_populate_recordset(null::audit_events, $1) on conflict do nothing`,
    [JSON.stringify(events.map((event) => ({ ...event, leaf: `\\x${event.leaf.toString('hex')}` })))],
  );
}
