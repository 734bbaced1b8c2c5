import { openIncident } from '../audit/incident.ts';
import type { StoredObject } from '../catalog/catalog.ts';
import { isLive } from '../catalog/retention-query.ts';
import { isFailure } from '../domain/failures.ts';
import type { Settled } from '../domain/steps.ts';
import { committedPlacement, readBackEvent } from './commit.ts';
import type { StepRun } from './context.ts';
import { type Destination, type PipelineContext, versionEvent } from './context.ts';
import { hold } from './hold.ts';
import { extendForSharing } from './lock.ts';
import type { ScannedVersion } from './policy-input.ts';
import { type Released, release } from './release.ts';
import { statedSealing } from './sealing.ts';
import { settledAnswer, settling } from './settle.ts';
import { keyInUse, storedAs } from './stored-as.ts';

/** What becomes of a version that release denies the object it could rest on. */
export type OnRefusal = (released: Released) => Promise<Settled>;

/**
 * Known content: lets the version rest on the object that is there, after release and with the lock extended and read
 * back. `undefined`: there is no such object (any more), seal one. `wait`: another version is making it now.
 */
export async function shareExisting(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  run: StepRun,
  refused: OnRefusal = (released) =>
    hold(context, version, destination, { reason: released.reasons[0]?.id ?? 'denied', released }, run),
): Promise<Settled | { next: 'wait' } | undefined> {
  const { retention } = version.admission;
  const wanted = {
    sha512: version.content.sha512,
    ...storedAs(version, keyInUse(context, version)),
    destination: destination.config.name,
  };
  for (;;) {
    const object = await context.catalog.objectOf({ ...wanted, lockMode: retention.mode });
    if (object === undefined) break;
    const shared = await rest(context, version, destination, object, refused);
    if (shared !== undefined) return shared;
  }
  const claimed = await context.catalog.reserve({ ...wanted, versionId: version.id });
  if (!claimed) return { next: 'wait' };
  // Between the look and the claim the other one may have finished: then there is an object now.
  const late = await context.catalog.objectOf({ ...wanted, lockMode: retention.mode });
  return late === undefined ? undefined : rest(context, version, destination, late, refused);
}

/** Undefined when the object turned out not to be there any more. */
async function rest(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  object: StoredObject,
  refused: OnRefusal,
): Promise<Settled | undefined> {
  const { name } = destination.config;
  const { mode, days } = version.admission.retention;
  const released = await release(
    context,
    version,
    destination,
    statedSealing(context, version, 'existing-object', object.keyId),
  );
  if (!released.allow) return refused(released);
  let lock: Awaited<ReturnType<typeof extendForSharing>>;
  try {
    lock = await extendForSharing(
      destination.store,
      { key: object.key, versionId: object.s3VersionId },
      { mode, days },
    );
  } catch (error) {
    if (!isFailure(error, 'object_missing')) throw error;
    // Retention takes an object out of reach before it deletes it: what it deleted meanwhile is nobody's doing.
    if (!(await isLive(context.catalog, object.id))) return undefined;
    const { incident, event } = openIncident(context.ids, {
      ...{ kind: 'tampering', subject: object.id, run: version.runId, host: context.hostId },
      ...{ source: version.entry.sourceId, version: version.id, destination: name },
      facts: { what: 'object_missing', object: object.id },
    });
    await context.catalog.write({
      objectLost: { objectId: object.id, result: 'missing' },
      incident,
      events: [event],
    });
    return undefined;
  }
  const applied = await context.catalog.apply({
    restsOn: [object.id],
    decisions: [released.row],
    lockExtended: { objectId: object.id, lockMode: lock.mode, retainUntil: lock.retainUntil },
    placements: [committedPlacement(version.id, name, object)],
    ...settling(version, 'duplicate', null),
    events: [
      released.event,
      readBackEvent(context, version, name, lock),
      versionEvent(context, version, {
        step: 'commit',
        destination: name,
        facts: { outcome: 'duplicate', object: object.id },
      }),
    ],
  });
  return applied === 'written' ? settledAnswer(version, 'duplicate', null) : undefined;
}
