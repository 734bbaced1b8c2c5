import type { IntentRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { Id, Lock } from '../domain/records.ts';
import type { Settled } from '../domain/steps.ts';
import { commitUpload } from './commit.ts';
import type { Destination, PipelineContext } from './context.ts';
import type { Landed } from './landed.ts';
import { checkReadBack, type Expected, findOurs } from './lock.ts';
import type { ScannedVersion } from './policy-input.ts';

/** An object that goes with one PUT, under its open intent. */
export interface WholeUpload {
  readonly context: PipelineContext;
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly intent: IntentRow;
  /** The key it is sealed with. */
  readonly keyId: Id;
}

/** Steps 7 to 9: sends the bytes that the intent announces, reads back, commits. */
export async function putWhole(upload: WholeUpload, body: Buffer, sha256: Buffer): Promise<Settled> {
  const { context, version, destination, intent } = upload;
  const { store } = destination;
  context.failPoints.reach('after-intent');
  const { mode, days } = version.admission.retention;
  const put = await store.put({ key: intent.objectKey, body, sha256, lock: { mode, days } });
  context.failPoints.reach('after-put');
  const floor = put.kind === 'stored' ? put.lock : anyLock(version);
  const expected = { lengthBytes: body.length, checksum: { kind: 'whole' as const, sha256 }, floor };
  const versionId = put.kind === 'stored' ? put.versionId : await findOurs(store, intent.objectKey, expected);
  if (versionId === undefined) throw new Failure('planted_object', { destination: store.name });
  return readBackAndCommit(upload, versionId, expected);
}

/** Commits what an earlier try sent without living to record it. */
export async function commitLanded(upload: WholeUpload, landed: Landed): Promise<Settled> {
  const { version, destination, intent } = upload;
  const { mode, days } = version.admission.retention;
  const { lengthBytes, checksum } = landed.sent;
  // It was locked when it was written, perhaps days ago.
  const lock = await destination.store.lockUntil({ mode, days });
  await destination.store.extendLock({ key: intent.objectKey, versionId: landed.s3VersionId, lock });
  return readBackAndCommit(upload, landed.s3VersionId, { lengthBytes, checksum, floor: anyLock(version) });
}

async function readBackAndCommit(
  { context, version, destination, intent, keyId }: WholeUpload,
  s3VersionId: string,
  expected: Expected,
): Promise<Settled> {
  const facts = await destination.store.head({ key: intent.objectKey, versionId: s3VersionId });
  const lock = checkReadBack(destination.config.name, facts, expected);
  context.failPoints.reach('after-read-back');
  const length = expected.lengthBytes;
  return commitUpload(context, version, destination, { intent, keyId, s3VersionId, length, lock, parts: 1 });
}

/** What was written before was locked from then on: its mode counts, the date is the one asked for at that time. */
const anyLock = (version: ScannedVersion): Lock => ({
  mode: version.admission.retention.mode,
  retainUntil: new Date(0),
});
