import { hash } from 'node:crypto';
import type { OpenIntent } from '../catalog/catalog.ts';
import { type CopySource, copySources, openCopyIntent } from '../catalog/replicate-query.ts';
import { adoptAnnouncedParts } from '../catalog/several-query.ts';
import { failures, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { type Destination, destinationOf, type PipelineContext, type StepRun } from '../pipeline/context.ts';
import { NotReproducible } from '../pipeline/part-sender.ts';
import { partSizeFor } from '../pipeline/part-size.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { type Released, release } from '../pipeline/release.ts';
import { settledAnswer } from '../pipeline/settle.ts';
import { shareExisting } from '../pipeline/share.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import { UploadAttempt } from '../pipeline/upload-attempt.ts';
import type { ReadDeps } from '../restore/content.ts';
import { CopiedBytes } from './copied-bytes.ts';
import { copiedVersion, recordRefusal, refusedPlacement } from './copied-version.ts';
import { stretches, type VerifiedSource, verifySource } from './sealed-source.ts';

export interface CopyTask {
  readonly versionId: Id;
  /** The destination that gets the copy. */
  readonly to: string;
  /** The one it should come from, if it can. */
  readonly from: string | undefined;
}

/** `waiting`: another copy of the same content is under way. `deferred`: no source gave the right bytes. */
export type CopyResult =
  | { readonly kind: 'copied'; readonly bytes: number }
  | { readonly kind: 'denied' | 'deferred' | 'waiting' };

/**
 * Brings a version that lies in one destination to another, without its file: rests it on an object of the same content
 * that is there, or copies the sealed bytes. They are verified before release is asked, under the version's own facts, and
 * sent under an intent like every upload. Failures: the stores' and the catalog's.
 */
export async function copyVersion(
  context: PipelineContext,
  reading: ReadDeps,
  { versionId, to, from }: CopyTask,
  run: StepRun,
): Promise<CopyResult> {
  const destination = destinationOf(context, to);
  const sources = await copySources(context.catalog, versionId, to, from);
  const [first] = sources;
  if (first === undefined) return { kind: 'deferred' };
  const version = await copiedVersion(context, versionId, destination, first);
  if (version === undefined) {
    await context.catalog.write({ placements: [refusedPlacement(versionId, to, 'not_judged')], events: [] });
    return { kind: 'denied' };
  }

  let isDenied = false;
  const refused = async (released: Released) => {
    isDenied = true;
    await recordRefusal(context, version, to, released);
    return settledAnswer(version, 'uploaded', null);
  };
  const shared = await shareExisting(context, version, destination, run, refused);
  if (isDenied) return { kind: 'denied' };
  if (shared?.next === 'wait') return { kind: 'waiting' };
  if (shared !== undefined) return { kind: 'copied', bytes: 0 };

  const verified = await firstGood(context, reading, version, sources);
  if (verified === undefined) return { kind: 'deferred' };
  const released = await release(context, version, destination, verified.sealing);
  if (!released.allow) {
    await recordRefusal(context, version, to, released);
    return { kind: 'denied' };
  }
  const intent = await openCopyIntent(context.catalog, intentFor(context, version, destination, verified));
  if (intent === undefined) return { kind: 'deferred' };
  await context.catalog.write({ decisions: [released.row], events: [released.event] });
  context.failPoints.reach('after-intent');
  await announceParts(context, intent, verified);
  const attempt = new UploadAttempt(
    context,
    version,
    destination,
    intent,
    new CopiedBytes(verified, run),
    run,
  );
  const { whole } = verified;
  try {
    const answer = await (whole ? attempt.runWhole(async () => whole.bytes) : attempt.run());
    return answer.next === 'settled'
      ? { kind: 'copied', bytes: verified.source.length }
      : { kind: 'deferred' };
  } catch (error) {
    if (!(error instanceof NotReproducible) && !isFailure(error, 'upload_missing')) throw error;
    await attempt.startOver('source_differs');
    return { kind: 'deferred' };
  }
}

/** The first source that holds what it should. Where none does although one gives no answer, that is waited for. */
async function firstGood(
  context: PipelineContext,
  reading: ReadDeps,
  version: ScannedVersion,
  sources: readonly CopySource[],
): Promise<VerifiedSource | undefined> {
  let away: unknown;
  for (const source of sources) {
    try {
      return await verifySource(context, reading, version, source);
    } catch (error) {
      const isDamaged = isFailure(error) && failures[error.code].exitCode === 4;
      const trouble = troubleOf(error);
      if (!isDamaged && trouble === undefined && !isFailure(error, 'destination_unknown')) throw error;
      context.log.warn(
        { err: error, destination: source.destination, version: version.id },
        'a copy cannot come from here',
      );
      if (trouble === 'away') away ??= error;
    }
  }
  if (away !== undefined) throw away;
  return undefined;
}

function intentFor(
  context: PipelineContext,
  version: ScannedVersion,
  destination: Destination,
  { source, whole }: VerifiedSource,
): OpenIntent {
  const { name, prefix } = destination.config;
  const { scope, retention } = version.admission;
  const { sealingId, keyId, generation, iv, length, madeFor } = source;
  return {
    id: context.ids.intent(sealingId, name),
    sealingId,
    packId: null,
    destination: name,
    objectKey: context.keys.objectKey({ prefix, scope, sha512: version.content.sha512, iv }),
    state: 'open',
    sealedLength: length,
    sealedSha256: whole?.sha256 ?? source.sealedSha256 ?? null,
    lockMode: retention.mode,
    lockDays: retention.days,
    metadata: null,
    sealerId: null,
    uploadId: null,
    partSize: whole === undefined ? (source.partSize ?? partSizeFor(length)) : null,
    ...{ versionId: madeFor.versionId, keyId, generation, iv },
  };
}

/**
 * Sees to it that every part has been announced before it is read to be sent: by the upload that made the object, or, where
 * a rebuilt catalog knows nothing of that, by reading it now. So what goes out is what was verified.
 */
async function announceParts(
  { catalog }: PipelineContext,
  { id, partSize }: OpenIntent,
  { source, read }: VerifiedSource,
): Promise<void> {
  if (partSize === null) return;
  await adoptAnnouncedParts(catalog, id);
  const announced = await catalog.intentParts(id);
  if (announced.reduce((sum, { length }) => sum + length, 0) === source.length) return;
  for (const [offset, length] of stretches(source.length, partSize)) {
    const partNumber = offset / partSize + 1;
    if (announced.some((part) => part.partNumber === partNumber)) continue;
    const sha256 = hash('sha256', await read(offset, length), 'buffer');
    await catalog.write({ intentPart: { intentId: id, partNumber, length, sha256 }, events: [] });
  }
}
