import { openIncident } from '../audit/incident.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { changesSince, incidentOf, lastLook } from '../catalog/mass-change-query.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { isMassChange, type MassChangeLimits } from '../domain/retention.ts';

export interface MassChangeContext {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly massChange: MassChangeLimits;
}

/** A sweep that is about to end. */
export interface SweptSource {
  readonly sourceId: Id;
  readonly runId: Id;
  /** Entries that were gone and did not count as deleted. */
  readonly refusedDeletions: number;
  /** Whatever is gone was meant to go. */
  readonly confirmsDeletions: boolean;
}

/**
 * Looks how much of a source changed or went away since the sweep before, by the watcher or by this one. Where it is too
 * much for daily work: an incident, and nothing of the source expires any more, until `holdfast retention resume`; what
 * stood just before the first of the changes stays and stays locked. Told again of the same sweep, the first account
 * stands.
 *
 * @returns the moment to restore; undefined where all is usual
 */
export async function detectMassChange(
  { catalog, ids, hostId, massChange }: MassChangeContext,
  { sourceId, runId, refusedDeletions, confirmsDeletions }: SweptSource,
): Promise<Date | undefined> {
  const told = await incidentOf(catalog, 'mass_change', runId);
  if (told !== undefined) return new Date(String(told.before));
  const { since, startedAt } = await lastLook(catalog, sourceId, runId);
  const least = massChange.least - refusedDeletions;
  const { firstAt, ...load } = await changesSince(catalog, sourceId, since, least);
  const vanished = confirmsDeletions ? 0 : load.vanished + refusedDeletions;
  if (!isMassChange({ ...load, vanished }, massChange)) return undefined;
  const before = new Date(Math.min(startedAt.getTime(), firstAt?.getTime() ?? startedAt.getTime()) - 1);
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'mass_change', subject: runId, run: runId, host: hostId, source: sourceId },
    facts: { changed: load.changed, vanished, entries: load.entries, before: before.toISOString() },
  });
  await catalog.write({
    incident,
    retentionPaused: { sourceId, pinnedAt: before, incidentId: incident.id },
    events: [event],
  });
  return before;
}

/** The one command that brings a source back as it was at a moment. */
export const restoreCommand = (source: string, before: Date): string =>
  `holdfast restore ${source} --to DIR --at ${before.toISOString()}`;
