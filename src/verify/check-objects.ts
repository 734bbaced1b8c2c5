import type { Change } from '../catalog/rows.ts';
import {
  type Checked,
  type CheckOrder,
  coverage,
  isShredded,
  lostMembers,
  objectsToCheck,
  type PromisedObject,
  promisedAgain,
  recordChecks,
  restingOn,
} from '../catalog/verify-query.ts';
import { isFailure } from '../domain/failures.ts';
import { mapUnordered } from '../restore/map-unordered.ts';
import { satisfies } from '../storage/locks.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Finding } from './finding.ts';
import { judge } from './judge.ts';
import { readContent } from './read-content.ts';
import type { ContentRead } from './read-pack.ts';
import { repairObject } from './repair.ts';
import type { VerifyRun } from './run.ts';

/** Objects asked of the catalog at once. */
const pageObjects = 500;
/** Results that are written down together. */
const notesAtOnce = 50;
/** Versions named with a finding. */
const namedVersions = 5;

/** A destination while its objects are looked at. */
export interface CheckedDestination {
  readonly name: string;
  readonly store: ObjectStore;
  /** The server's clock when the run began. */
  readonly now: Date;
  /** Whether the keyring lies there: a bucket without it is another one, where nothing counts as lost. */
  readonly isOurs: boolean;
}

/** How many objects a pass takes: so large a share of those that are there, less what this run has done already. */
export async function passSize(
  run: VerifyRun,
  destination: string,
  share: number,
  order: CheckOrder,
): Promise<number> {
  const { since, request, deps } = run;
  const { live, checkedSince, readSince } = await coverage(deps.catalog, destination, since, request.scope);
  const done = order === 'read_at' ? readSince : checkedSince;
  return Math.max(0, Math.ceil(share * live) - done);
}

/** Looks at `count` objects of a destination, those of longest ago first, and reads their content where `order` is that. */
export async function checkObjects(
  run: VerifyRun,
  destination: CheckedDestination,
  order: CheckOrder,
  count: number,
): Promise<void> {
  const { catalog } = run.deps;
  const { scope, jobs } = run.request;
  const { since: before } = run;
  const read = order === 'read_at';
  run.toCheck += count;
  for (let left = count; left > 0; ) {
    const limit = Math.min(left, pageObjects);
    const page = await objectsToCheck(catalog, destination.name, { order, before, limit }, scope);
    const notes: Checked[] = [];
    try {
      for await (const note of mapUnordered(
        begun(run, page),
        jobs,
        (object) => checkObject(run, destination, object, read),
        () => {},
      )) {
        run.checked++;
        if (read) run.read++;
        if (note !== undefined) notes.push(note);
        if (notes.length >= notesAtOnce) await recordChecks(catalog, notes.splice(0));
        run.progress();
      }
    } finally {
      await recordChecks(catalog, notes);
    }
    left -= page.length;
    if (page.length < limit || !run.complete) return;
  }
}

/** The objects of a page, until the time is up. */
async function* begun(run: VerifyRun, page: readonly PromisedObject[]): AsyncGenerator<PromisedObject> {
  for (const object of page) {
    if (run.isOver()) return;
    yield object;
  }
}

/** What is to be noted of an object; nothing where it was given up, or went meanwhile. */
export async function checkObject(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  read: boolean,
): Promise<Checked | undefined> {
  const { store, now, name } = destination;
  const facts = await run.retrying(() => store.head({ key: object.key, versionId: object.s3VersionId }));
  const seen = judge(facts, object, now);
  // Which files of a pack with other bytes are spoilt, only reading tells.
  const isToRead = read ? seen !== 'missing' && seen !== 'tampered' : false;
  const isToSearch = seen === 'tampered' && object.holds.kind === 'pack';
  const found: ContentRead =
    isToRead || isToSearch
      ? await readContent(contentReading(run), name, object, (count) => run.addBytes(count))
      : { result: 'ok' };
  const result = found.result === 'ok' ? seen : found.result;
  const wasRead = read || isToSearch;
  if (result === 'ok') return { objectId: object.id, result, read: wasRead };
  // Its row may be older than what happened to it since.
  if ((await promisedAgain(run.deps.catalog, object.id)) === undefined) return undefined;
  switch (result) {
    case 'missing':
    case 'tampered':
      return found.damaged === undefined
        ? lost(run, destination, object, { result, read: wasRead })
        : partlyLost(run, destination, object, found.damaged);
    case 'lock_mismatch':
      return wronglyLocked(run, destination, object, read);
    case 'unreadable':
      return unreadable(run, destination, object, read);
  }
}

const contentReading = ({ deps, reading }: VerifyRun) => ({ catalog: deps.catalog, reading });

/** Puts the object's bytes back from where they still are, or lets its files be uploaded anew. */
async function lost(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  { result, read }: { readonly result: 'missing' | 'tampered'; readonly read: boolean },
): Promise<Checked | undefined> {
  const finding: Finding = { ...(await about(run, destination, object)), kind: result };
  return givenUp(run, destination, object, finding, read, {
    objectLost: { objectId: object.id, result },
  });
}

/**
 * A pack of which some bytes are not what was written. Where it is nowhere whole any more, the damaged members are given
 * up and the others stay. Of damage that was told and given up before, nothing more is said.
 */
async function partlyLost(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  damaged: readonly number[],
): Promise<Checked | undefined> {
  const { catalog } = run.deps;
  const before = await lostMembers(catalog, object.id);
  if (damaged.length === 0 && before > 0) return { objectId: object.id, result: 'ok', read: true };
  const detail = damaged.length === 0 ? 'none of its files' : `${damaged.length} of its files`;
  const finding = { ...(await about(run, destination, object, damaged)), kind: 'tampered', detail } as const;
  const change: Pick<Change, 'membersLost'> =
    damaged.length === 0 ? {} : { membersLost: { objectId: object.id, byteOffsets: damaged } };
  return givenUp(run, destination, object, finding, true, change);
}

/** Tells of a damaged object and has it repaired; where that is not possible, `change` says what is given up. */
async function givenUp(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  finding: Finding,
  read: boolean,
  change: Pick<Change, 'objectLost' | 'membersLost'>,
): Promise<Checked | undefined> {
  const { catalog, ids } = run.deps;
  const result = finding.kind as 'missing' | 'tampered';
  const noted = { objectId: object.id, result, read };
  if (!run.request.repair || !destination.isOurs) {
    await tell(run, finding);
    return noted;
  }
  try {
    const repaired = await repairObject(
      { catalog, ids, reading: run.reading },
      destination.name,
      object,
      destination.now,
    );
    if (repaired !== undefined) {
      const told: Finding = { ...finding, remedy: repaired.remedy };
      await catalog.write({
        object: repaired.object,
        objectReplaced: { objectId: object.id, byObjectId: repaired.object.id, result },
        ...run.incident(told),
      });
      run.report(told);
      return undefined;
    }
    const isGivenUp = change.objectLost !== undefined || change.membersLost !== undefined;
    const told: Finding = isGivenUp ? { ...finding, remedy: 'upload anew' } : finding;
    await catalog.write({ ...change, ...run.incident(told) });
    run.report(told);
    return change.objectLost === undefined ? noted : undefined;
  } catch (error) {
    if (!isFailure(error) || error.code === 'interrupted' || error.code === 'catalog_unavailable')
      throw error;
    // Where a copy may be does not answer now: the object is not given up, the next run tries again.
    await tell(run, { ...finding, detail: `not repaired: ${error.code}` });
    return noted;
  }
}

async function wronglyLocked(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  read: boolean,
): Promise<Checked> {
  const finding: Finding = { ...(await about(run, destination, object)), kind: 'lock_mismatch' };
  const isExtended = run.request.repair && (await extended(destination.store, object));
  await tell(run, { ...finding, ...(isExtended ? { remedy: 'lock extended' } : {}) });
  return { objectId: object.id, result: isExtended ? 'ok' : 'lock_mismatch', read };
}

async function extended(store: ObjectStore, { key, s3VersionId, lock }: PromisedObject): Promise<boolean> {
  try {
    return satisfies(await store.extendLock({ key, versionId: s3VersionId, lock }), lock);
  } catch (error) {
    if (isFailure(error, 'lock_refused')) return false;
    throw error;
  }
}

async function unreadable(
  run: VerifyRun,
  destination: CheckedDestination,
  object: PromisedObject,
  read: boolean,
): Promise<Checked> {
  if (await isShredded(run.deps.catalog, object.scope)) run.shredded++;
  else {
    const detail = `no key ${object.keyId}`;
    await tell(run, { ...(await about(run, destination, object)), kind: 'unreadable', detail });
  }
  return { objectId: object.id, result: 'unreadable', read };
}

async function about(
  run: VerifyRun,
  { name }: CheckedDestination,
  { id, key, s3VersionId }: PromisedObject,
  offsets?: readonly number[],
): Promise<Omit<Finding, 'kind'>> {
  const affected = await restingOn(run.deps.catalog, id, namedVersions, offsets);
  return { subject: 'content', destination: name, key, s3VersionId, objectId: id, affected };
}

/** Reports a finding and notes it in the audit trail. */
export async function tell(run: VerifyRun, finding: Finding): Promise<void> {
  if (run.report(finding)) await run.deps.catalog.write(run.incident(finding));
}
