import type { Catalog } from '../catalog/catalog.ts';

/** Any constant of ours: one sequencer at a time per database. */
const sequencerLock = 7_203_115;
const mostLeaves = 10_000;
/** Rows of transactions that were still open when later ones were sequenced; none stays open for as long. */
const lateRows = 5_000;

/**
 * Gives events their place in the audit log: one batch with the leaves of all that came since, in the order they were
 * written. Called every few seconds by every worker; one at a time does the work. Gives the number of leaves added.
 */
export async function sequenceAudit(catalog: Catalog): Promise<number> {
  return catalog.withLock(
    sequencerLock,
    async (rows) => {
      const added = await rows(
        `with last as (select coalesce(max(batch), 0) as batch, coalesce(max(event_number), 0) as number from audit_leaves),
       fresh as (
         select e.number, e.id, e.leaf from audit_events e, last
         where e.number > last.number - $1
           and not exists (select 1 from audit_leaves l where l.event_number = e.number)
         order by e.number limit $2
       )
       insert into audit_leaves (batch, index, event_number, event_id, leaf)
       select last.batch + 1, row_number() over (order by fresh.number) - 1, fresh.number, fresh.id, fresh.leaf
       from fresh, last returning event_id`,
        [lateRows, mostLeaves],
      );
      return added.length;
    },
    0,
  );
}
