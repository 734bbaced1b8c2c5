import { auditEvent } from '../audit/event.ts';
import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { Skip } from '../files/filter.ts';

export interface Skipped {
  readonly entry: EntryRef;
  readonly skip: Skip;
}

/** Records that entries are not taken, each with its reason, the rule's id and the run; once per run, entry and rule. */
export async function recordSkips(
  catalog: Catalog,
  ids: Ids,
  run: { id: Id; hostId: Id },
  skips: readonly Skipped[],
): Promise<void> {
  if (skips.length === 0) return;
  await catalog.addEntries(skips.map(({ entry }) => entry));
  const events = skips.map(({ entry, skip }) =>
    auditEvent(ids, {
      subject: run.id,
      step: 'skip',
      among: `${entry.id}/${skip.rule}`,
      run: run.id,
      host: run.hostId,
      source: entry.sourceId,
      entry: entry.id,
      facts: { outcome: 'ignored', reason: skip.reason, rule: skip.rule },
    }),
  );
  await catalog.write({ events });
}
