import type { Change, IntentRow, ObjectRow } from '../catalog/rows.ts';
import type { Id, Lock } from '../domain/records.ts';
import { committedPlacement, readBackEvent } from '../pipeline/commit.ts';
import { type PipelineContext, versionEvent } from '../pipeline/context.ts';
import type { AdmittedVersion } from '../pipeline/policy-input.ts';
import { settling } from '../pipeline/settle.ts';
import { storedAs } from '../pipeline/stored-as.ts';

/** An object that is there, as read back. */
export interface Arrived {
  readonly intent: IntentRow;
  readonly s3VersionId: string;
  readonly lock: Lock;
}

/** A version whose sealed file lies in the object. */
export interface Lying {
  readonly version: AdmittedVersion;
  readonly keyId: Id;
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/**
 * Step 9: objects with all that lies in them. `arrived` are one object in each destination.
 *
 * @param also what else becomes durable with a version
 */
export function committed(
  context: PipelineContext,
  arrived: readonly Arrived[],
  lying: readonly Lying[],
  also: (version: AdmittedVersion) => Partial<Change>,
): Change[] {
  const first = lying[0];
  if (first === undefined) return [];
  const stored = arrived.map((one) => ({ ...one, object: objectRow(context, one, first) }));
  return [
    ...stored.map(({ intent, object }) => ({
      object,
      intentClosed: { id: intent.id, state: 'committed' as const, reason: 'uploaded' },
      events: [],
    })),
    ...lying.map(({ version, offset, length }) => ({
      placements: stored.map(({ intent, object }) =>
        committedPlacement(version.id, intent.destination, { id: object.id, offset, length }),
      ),
      ...settling(version, 'uploaded', null),
      ...also(version),
      events: stored.flatMap(({ intent: { destination, packId }, object, lock }) => [
        versionEvent(context, version, {
          step: 'upload',
          destination,
          facts: {
            key: object.key,
            length,
            ...(packId === null ? {} : { offset }),
            parts: 1,
            s3Version: object.s3VersionId,
          },
        }),
        readBackEvent(context, version, destination, lock),
        versionEvent(context, version, {
          step: 'commit',
          destination,
          facts: { object: object.id, outcome: 'uploaded' },
        }),
      ]),
    })),
  ];
}

function objectRow(
  context: PipelineContext,
  { intent, s3VersionId, lock }: Arrived,
  { version, keyId }: Lying,
): ObjectRow {
  const { destination, objectKey: key, sealingId, packId } = intent;
  return {
    id: context.ids.object(destination, key, s3VersionId),
    destination,
    key,
    s3VersionId,
    length: intent.sealedLength ?? 0,
    sealingId,
    packId,
    sha512: packId === null ? version.content.sha512 : null,
    ...storedAs(version, keyId),
    lockMode: lock.mode,
    retainUntil: lock.retainUntil,
    state: 'live',
    sealedSha256: null,
  };
}
