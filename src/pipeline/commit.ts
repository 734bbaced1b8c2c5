import type { AuditRow, IntentRow, ObjectRow, PlacementRow } from '../catalog/rows.ts';
import type { Id, Lock, Outcome } from '../domain/records.ts';
import type { Settled } from '../domain/steps.ts';
import { type Destination, type PipelineContext, versionEvent } from './context.ts';
import type { AdmittedVersion } from './policy-input.ts';
import { settledAnswer, settling } from './settle.ts';
import { storedAs } from './stored-as.ts';

export interface UploadedObject {
  readonly intent: IntentRow;
  /** The key it is sealed with. */
  readonly keyId: Id;
  readonly s3VersionId: string;
  readonly length: number;
  /** As read back from the server. */
  readonly lock: Lock;
  readonly parts: number;
}

/** Step 9: version, placement, status and audit, and the intent closed, in one transaction. */
export async function commitUpload(
  context: PipelineContext,
  version: AdmittedVersion,
  destination: Destination,
  uploaded: UploadedObject,
): Promise<Settled> {
  const { name } = destination.config;
  const { intent, lock } = uploaded;
  const object: ObjectRow = {
    id: context.ids.object(name, intent.objectKey, uploaded.s3VersionId),
    destination: name,
    key: intent.objectKey,
    s3VersionId: uploaded.s3VersionId,
    length: uploaded.length,
    sealingId: intent.sealingId,
    packId: null,
    sha512: version.content.sha512,
    ...storedAs(version, uploaded.keyId),
    lockMode: lock.mode,
    retainUntil: lock.retainUntil,
    state: 'live',
    sealedSha256: version.admission.format === 'openpgp' ? intent.sealedSha256 : null,
  };
  const outcome: Outcome = 'uploaded';
  await context.catalog.write({
    object,
    intentClosed: { id: intent.id, state: 'committed', reason: 'uploaded' },
    placements: [committedPlacement(version.id, name, { ...object, offset: 0 })],
    ...(version.held === undefined ? {} : { holdChange: { id: version.held.holdId, state: 'approved' } }),
    ...settling(version, outcome, null),
    events: [
      versionEvent(context, version, {
        step: 'upload',
        destination: name,
        facts: {
          key: object.key,
          s3Version: object.s3VersionId,
          length: object.length,
          parts: uploaded.parts,
        },
      }),
      readBackEvent(context, version, name, lock),
      versionEvent(context, version, {
        step: 'commit',
        destination: name,
        facts: { outcome, object: object.id },
      }),
    ],
  });
  context.failPoints.reach('after-commit');
  return settledAnswer(version, outcome, null);
}

/** The version's share in a destination: it rests on the sealed file that lies there in this object. */
export function committedPlacement(
  versionId: Id,
  destination: string,
  object: { id: Id; offset: number; length: number },
): PlacementRow {
  return {
    versionId,
    destination,
    objectId: object.id,
    byteOffset: object.offset,
    length: object.length,
    state: 'committed',
    reason: null,
  };
}

/** Step 8, as the server told it. */
export function readBackEvent(
  context: PipelineContext,
  version: AdmittedVersion,
  destination: string,
  lock: Lock,
): AuditRow {
  const facts = { mode: lock.mode, retainUntil: lock.retainUntil.toISOString() };
  return versionEvent(context, version, { step: 'read_back', destination, facts });
}
