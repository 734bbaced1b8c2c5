import { auditEvent } from '../audit/event.ts';
import { recordDeleted, recordRefused, type UnneededObject } from '../catalog/retention-query.ts';
import type { Id } from '../domain/records.ts';
import type { ObjectStore, VersionName } from '../storage/object-store.ts';
import type { RetentionContext } from './context.ts';

/**
 * - `deferred`: it is locked or held there for longer than the catalog knew.
 * - `denied`: neither, so the credentials of the retention role do not let it.
 */
export type Deletion =
  | { readonly is: 'deleted' }
  | { readonly is: 'deferred' | 'denied'; readonly lockedUntil: Date | undefined };

/** Deletes one version, as the role that may; never with a bypass. */
export async function deleteVersion(
  object: VersionName,
  { store, deleting }: { readonly store: ObjectStore; readonly deleting: ObjectStore },
  now: Date,
): Promise<Deletion> {
  if ((await deleting.deleteVersion(object)) === 'deleted') return { is: 'deleted' };
  // Servers answer a lock and a missing right alike.
  const facts = await store.head(object);
  if (facts === undefined) return { is: 'deleted' };
  const lockedUntil = facts.lock?.retainUntil;
  const isKept = facts.legalHold || (lockedUntil !== undefined && lockedUntil > now);
  return { is: isKept ? 'deferred' : 'denied', lockedUntil };
}

/** Deletes an object that was taken for it, and records what came of it. */
export async function deleteObject(
  context: RetentionContext,
  object: UnneededObject,
  stores: Parameters<typeof deleteVersion>[1],
  { now, ...run }: { readonly runId: Id; readonly sourceId: Id; readonly actor: string; readonly now: Date },
): Promise<Deletion['is']> {
  const { catalog, ids, hostId, failPoints } = context;
  const { id, destination, key, s3VersionId, lengthBytes } = object;
  failPoints.reach('before-delete');
  const deletion = await deleteVersion({ key, versionId: s3VersionId }, stores, now);
  failPoints.reach('after-delete');
  if (deletion.is !== 'deleted') {
    await recordRefused(catalog, id, deletion.lockedUntil);
    return deletion.is;
  }
  const event = auditEvent(ids, {
    ...{ subject: id, step: 'retention', run: run.runId, host: hostId, actor: run.actor },
    ...{ source: run.sourceId, destination },
    facts: { action: 'deleted', key, s3Version: s3VersionId, length: lengthBytes },
  });
  await recordDeleted(catalog, id, event);
  return 'deleted';
}
