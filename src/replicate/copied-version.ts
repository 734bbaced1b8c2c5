import type { PlacementRow } from '../catalog/rows.ts';
import type { AdmissionResult, Id, Lock, SealedFormat } from '../domain/records.ts';
import type { Destination, PipelineContext } from '../pipeline/context.ts';
import { judged, type ScannedVersion } from '../pipeline/policy-input.ts';
import type { Released } from '../pipeline/release.ts';
import { towards } from '../pipeline/several.ts';

const dayMs = 86_400_000;

/**
 * The version as its further destination gets it: not under way any more, and locked there for at least as long as where
 * it lies. What a rebuilt catalog does not know of its admission is taken from the object. Undefined for what was never
 * judged.
 */
export async function copiedVersion(
  context: PipelineContext,
  versionId: Id,
  destination: Destination,
  source: { readonly lock: Lock; readonly format: SealedFormat },
): Promise<ScannedVersion | undefined> {
  const found = await context.catalog.version(versionId);
  const { admission, verdict } = found;
  if (admission === undefined || verdict === undefined) return undefined;
  const remainingDays = Math.ceil((source.lock.retainUntil.getTime() - Date.now()) / dayMs);
  const known: Partial<AdmissionResult> = admission;
  const retention = {
    ...known.retention,
    class: known.retention?.class ?? 'standard',
    mode: known.retention?.mode ?? source.lock.mode,
    days: Math.max(known.retention?.days ?? 1, remainingDays),
  };
  const whole = { ...admission, retention, format: source.format };
  const version: ScannedVersion = { ...judged(found), admission: whole, verdict };
  return { ...towards(version, destination, 'done'), hint: 0 };
}

/** Release said no: the version stays what it is, and has no copy there. */
export function recordRefusal(
  { catalog }: PipelineContext,
  version: ScannedVersion,
  destination: string,
  released: Released,
): Promise<void> {
  const reason = released.reasons[0]?.id ?? 'denied';
  return catalog.write({
    decisions: [released.row],
    placements: [refusedPlacement(version.id, destination, reason)],
    reservationEnded: { versionId: version.id },
    events: [released.event],
  });
}

export const refusedPlacement = (versionId: Id, destination: string, reason: string): PlacementRow => ({
  ...{ versionId, destination, objectId: null, byteOffset: 0, length: null },
  ...{ state: 'denied', reason },
});
