import { auditEvent } from '../audit/event.ts';
import {
  addHeldObject,
  type HeldObject,
  insertLegalHold,
  type LegalHold,
  leftHeld,
  legalHoldsOn,
  releaseLegalHold,
  removeHeldObject,
} from '../catalog/legal-hold-query.ts';
import type { AuditRow } from '../catalog/rows.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { agreeingClocks, type Clocks } from './clocks.ts';
import type { RetentionContext } from './context.ts';
import { type JudgedVersion, judgedPages, passStart } from './judged.ts';

/** What legal holds are changed with. */
export interface HoldingContext
  extends Pick<RetentionContext, 'catalog' | 'ids' | 'hostId' | 'destinations'> {
  readonly warn: (facts: Readonly<Record<string, string>>, message: string) => void;
}

export interface HoldRequest {
  readonly runId: Id;
  readonly sourceId: Id;
  /** Everything at or below it; empty for the whole source. */
  readonly path: Buffer;
  /** Empty for none. Holds of different cases on one path count apart. */
  readonly caseName: string;
  readonly reason: string;
  readonly actor: string;
}

/**
 * Places a hold: from now on nothing at or below the path expires or is deleted, versions to come included; and holds every
 * object in its bucket too. What could not be reached there is done by the next retention run. Placed again by the same
 * case, it is the same hold. Failure `clock_skew`.
 */
export async function placeLegalHold(
  context: HoldingContext,
  request: HoldRequest,
  onProgress: (objects: number) => void = () => {},
): Promise<LegalHold> {
  const { catalog, ids } = context;
  const { runId, sourceId, path, caseName, reason, actor } = request;
  const clocks = await agreeingClocks(catalog, context.destinations);
  const id = ids.legalHold(runId);
  const placed = { id, sourceId, path, caseName, reason, placedBy: actor };
  await insertLegalHold(catalog, placed, holdEvent(context, request, id, 'placed'));
  let objects = 0;
  const terms = { sourceId, path, classes: {}, now: clocks.catalog, pinnedAt: null };
  for await (const { versions } of judgedPages(catalog, terms, passStart)) {
    objects += await coverHeld(context, versions, clocks);
    onProgress(objects);
  }
  const hold = (await legalHoldsOn(catalog, sourceId, path)).find((other) => other.caseName === caseName);
  if (hold === undefined) throw new Failure('legal_hold_unknown', { case: caseName || 'no case' });
  return hold;
}

/**
 * Releases the hold of a case on exactly this path; where no case is named, the only one there is. An object that nobody
 * else holds is held no more. Failures: `legal_hold_unknown`, `legal_hold_ambiguous`, `clock_skew`.
 */
export async function liftLegalHold(
  context: HoldingContext,
  request: Omit<HoldRequest, 'caseName'> & { readonly caseName: string | undefined },
): Promise<LegalHold> {
  const { catalog } = context;
  const { sourceId, path, caseName, reason, actor: by } = request;
  await agreeingClocks(catalog, context.destinations);
  const active = await legalHoldsOn(catalog, sourceId, path);
  const found = caseName === undefined ? active : active.filter((hold) => hold.caseName === caseName);
  const [hold] = found;
  if (hold === undefined) throw new Failure('legal_hold_unknown', { case: caseName || 'any case' });
  if (found.length > 1)
    throw new Failure('legal_hold_ambiguous', {
      cases: found.map((each) => each.caseName || '""').join(', '),
    });
  const event = holdEvent(context, request, hold.id, 'released');
  await releaseLegalHold(catalog, { id: hold.id, by, reason }, event);
  await finishReleases(context, sourceId);
  return hold;
}

function holdEvent(
  { ids, hostId }: HoldingContext,
  { runId: run, actor, sourceId: source, reason }: Omit<HoldRequest, 'caseName' | 'path'>,
  subject: Id,
  action: 'placed' | 'released',
): AuditRow {
  return auditEvent(ids, {
    ...{ subject, step: 'legal_hold', run, host: hostId, actor, source, among: action },
    facts: { action, reason },
  });
}

/** Objects under a hold that is placed or released at once; a bucket has enough to do with files that are protected. */
const objectsAtOnce = 4;

/** Holds in their buckets what legal holds cover and their buckets do not know of yet; gives how many objects. */
export async function coverHeld(
  context: HoldingContext,
  versions: readonly Pick<JudgedVersion, 'holds' | 'objects'>[],
  clocks: Clocks,
): Promise<number> {
  const missing = new Map<string, { holdId: Id; object: HeldObject }>();
  for (const { holds, objects } of versions) {
    for (const object of objects) {
      if (!clocks.destinations.has(object.destination)) continue;
      for (const holdId of holds.filter((id) => !object.heldBy.includes(id)))
        missing.set(`${holdId} ${object.id}`, { holdId, object });
    }
  }
  const objects = new Set<Id>();
  const work = [...missing.values()];
  for (let from = 0; from < work.length; from += objectsAtOnce) {
    await Promise.all(
      work.slice(from, from + objectsAtOnce).map(async ({ holdId, object }) => {
        const held = await addHeldObject(context.catalog, holdId, object.id, () =>
          hold(context, object, true),
        );
        if (held) objects.add(object.id);
      }),
    );
  }
  return objects.size;
}

const pageObjects = 200;

/** Takes released holds of a source off what they held; what is not reached now is left to the next retention run. */
export async function finishReleases(context: HoldingContext, sourceId: Id): Promise<void> {
  const { catalog } = context;
  for (let after = { id: '', holdId: '' }; ; ) {
    const page = await leftHeld(catalog, sourceId, after, pageObjects);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const object of page)
      await removeHeldObject(catalog, object.holdId, object.id, () => hold(context, object, false));
    if (page.length < pageObjects) return;
    after = last;
  }
}

/**
 * Sets or lifts a legal hold in the bucket; false where the credentials may not. Where a server has none, the catalog and
 * the lock alone keep the object.
 */
async function hold(
  { destinations, warn }: HoldingContext,
  { id, destination, key, s3VersionId }: HeldObject,
  isHeld: boolean,
): Promise<boolean> {
  const store = destinations.get(destination)?.store;
  if (store === undefined) throw new Failure('destination_unknown', { destination });
  try {
    const set = await store.setLegalHold({ key, versionId: s3VersionId, isHeld });
    if (set === 'unsupported')
      warn({ destination }, 'this server has no legal holds: catalog and lock alone keep what is held');
    return true;
  } catch (error) {
    if (isFailure(error, 's3_denied')) {
      warn(
        { destination },
        'the credentials may not set legal holds (s3:PutObjectLegalHold): the catalog alone keeps what is held, and the next run of retention tries again',
      );
      return false;
    }
    // What is gone is held by nobody.
    if (isHeld || !isFailure(error, 'object_missing')) throw error;
    warn({ object: id }, 'an object whose legal hold was released is gone');
    return true;
  }
}
