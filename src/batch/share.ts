import type { StoredObject } from '../catalog/catalog.ts';
import type { Change } from '../catalog/rows.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id, Lock } from '../domain/records.ts';
import { committedPlacement, readBackEvent } from '../pipeline/commit.ts';
import { destinationOf, type PipelineContext, type StepRun, versionEvent } from '../pipeline/context.ts';
import { extendForSharing } from '../pipeline/lock.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { statedSealing } from '../pipeline/sealing.ts';
import { settling } from '../pipeline/settle.ts';
import { lockTowards } from '../pipeline/several.ts';
import type { LockDays } from '../storage/object-store.ts';
import { usedUp } from './content-query.ts';
import { type BatchContext, type BatchFile, itemDone, together, write } from './file.ts';
import { inTheTrail, releaseAll } from './release.ts';

/** A file whose content lies in each of its destinations already. */
export interface Shareable {
  readonly file: BatchFile<ScannedVersion>;
  /** In the order of its destinations. */
  readonly objects: readonly StoredObject[];
}

export interface Shared {
  /** Release denied them, or what they were to rest on is not there: with all that was found out. */
  readonly refused: readonly BatchFile<ScannedVersion>[];
  /** What they were to rest on went away meanwhile: their content is to be sealed. */
  readonly left: readonly BatchFile<ScannedVersion>[];
}

/**
 * Known content: lets the versions rest on the objects that are there, after release and with each object's lock extended
 * and read back once.
 */
export async function shareAll(
  batch: BatchContext,
  shareable: readonly Shareable[],
  run: StepRun,
): Promise<Shared> {
  if (shareable.length === 0) return { refused: [], left: [] };
  const { context } = batch;
  const used = await usedUp(
    context.catalog,
    shareable.flatMap(({ file }) => (file.item.made === undefined ? [] : [file.version.id])),
  );
  const answers = await releaseAll(
    context,
    shareable.map(({ file: { version }, objects }) => ({
      version,
      sealings: objects.map(({ keyId }) => statedSealing(context, version, 'existing-object', keyId)),
    })),
    used,
  );
  const refused: BatchFile<ScannedVersion>[] = [];
  const allowed: Shareable[] = [];
  for (const [index, { file, objects }] of shareable.entries()) {
    const own = answers[index] ?? [];
    const asked = { ...file, change: together(file.change, inTheTrail(own)) };
    if (own.length > 0 && own.every(({ allow }) => allow)) allowed.push({ file: asked, objects });
    else refused.push(asked);
  }
  const locks = await extendLocks(context, allowed, run);
  const resting = allowed.filter(({ file, objects }) => {
    const isLocked = objects.every(({ id }) => locks.has(id));
    if (!isLocked) refused.push(file);
    return isLocked;
  });
  const extended: Change[] = [...locks].map(([objectId, { mode, retainUntil }]) => ({
    restsOn: [objectId],
    lockExtended: { objectId, lockMode: mode, retainUntil },
    events: [],
  }));
  const applied = await write(batch, [...extended, ...resting.map((one) => restingOn(batch, one, locks))]);
  // Without the answers, which nobody acted on: release is asked about their sealed bytes next, and that is the first time.
  const before = new Map(shareable.map(({ file }) => [file.item, file]));
  const left = resting.flatMap(({ file: { item } }, index) =>
    applied[extended.length + index] === 'written' ? [] : (before.get(item) ?? []),
  );
  return { refused, left };
}

function restingOn(batch: BatchContext, { file, objects }: Shareable, locks: ReadonlyMap<Id, Lock>): Change {
  const { context } = batch;
  const { item, version, change } = file;
  const outcome = 'duplicate';
  return together(change, {
    restsOn: objects.map(({ id }) => id),
    placements: objects.map((object) => committedPlacement(version.id, object.destination, object)),
    ...settling(version, outcome, null),
    ...itemDone(batch, item),
    events: objects.flatMap(({ id, destination }) => [
      readBackEvent(context, version, destination, locks.get(id) as Lock),
      versionEvent(context, version, { step: 'commit', destination, facts: { outcome, object: id } }),
    ]),
  });
}

/** The locks in force by object; an object that the bucket does not have is left out. */
async function extendLocks(
  context: PipelineContext,
  wanted: readonly Shareable[],
  run: StepRun,
): Promise<Map<Id, Lock>> {
  const users = Map.groupBy(
    wanted.flatMap(({ file, objects }) => objects.map((object) => ({ object, file }))),
    ({ object }) => object.id,
  );
  const locks = new Map<Id, Lock>();
  const extend = async ([id, uses]: [Id, { object: StoredObject; file: BatchFile<ScannedVersion> }[]]) => {
    const [first] = uses;
    if (first === undefined) return;
    const { store, config } = destinationOf(context, first.object.destination);
    const asked = uses.map(({ file }) => lockTowards(file.version.admission.retention, config));
    const { mode } = asked[0] as LockDays;
    const name = { key: first.object.key, versionId: first.object.s3VersionId };
    try {
      const days = Math.max(...asked.map(({ days }) => days));
      locks.set(id, await extendForSharing(store, name, { mode, days }));
    } catch (error) {
      if (!isFailure(error, 'object_missing')) throw error;
    }
    run.heartbeat();
  };
  await Promise.all(
    [...users].map((entry) => context.semaphores.upload.run(() => extend(entry), run.patienceMs)),
  );
  return locks;
}
