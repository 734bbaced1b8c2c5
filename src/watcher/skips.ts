import { auditEvent } from '../audit/event.ts';
import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { Skip } from '../files/filter.ts';

/** Records that entries are not taken, each with its reason, the rule's id and the run. */
export async function recordSkips(
  catalog: Catalog,
  ids: Ids,
  run: { id: Id; hostId: Id },
  skips: readonly { entry: EntryRef; skip: Skip }[],
): Promise<void> {
  const events = skips.map(({ entry, skip }) =>
    auditEvent(ids, {
      subject: run.id,
      step: 'skip',
      // The entry stands where a destination would: one event per run and entry.
      destination: entry.id,
      run: run.id,
      host: run.hostId,
      source: entry.sourceId,
      entry: entry.id,
      facts: { outcome: 'ignored', reason: skip.reason, rule: skip.rule },
    }),
  );
  if (events.length > 0) await catalog.write({ events });
}
