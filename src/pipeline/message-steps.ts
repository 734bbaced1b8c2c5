import type { IntentRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import { type PlanAnswer, type SealAndUploadAnswer, smallContentBytes } from '../domain/steps.ts';
import { heldByVerdict, lastIntent } from './before-sealing.ts';
import type { Destination, PipelineContext, StepRun } from './context.ts';
import { unlessChanged } from './guard.ts';
import { hold } from './hold.ts';
import { partSizeFor } from './part-size.ts';
import type { ScannedVersion } from './policy-input.ts';
import { type Released, release } from './release.ts';
import { sealEvent } from './sealing.ts';
import { shareExisting } from './share.ts';
import { foundMessage, type SealedMessage, stageMessage } from './stage-message.ts';
import { stagedName } from './staged-message.ts';
import { uploadTo } from './upload.ts';

/** One version on its way to one destination. */
export interface MessageWork {
  readonly context: PipelineContext;
  readonly version: ScannedVersion;
  readonly destination: Destination;
  readonly run: StepRun;
}

/** Steps 5 to 9 of small content that is sealed as an OpenPGP message. */
export async function sealAndUploadMessage(work: MessageWork): Promise<SealAndUploadAnswer> {
  const { context, version, destination, run } = work;
  for (;;) {
    const planned = await planMessage(work);
    if (planned.next !== 'upload') return planned;
    const intent = await context.catalog.intentOf(version.id, destination.config.name);
    if (intent?.state !== 'open') continue;
    const uploaded = await uploadTo(context, { version, destination, intent }, run);
    if (uploaded.next !== 'plan') return uploaded;
  }
}

/**
 * Steps 5 and 6 of content that is sealed as an OpenPGP message: seals it into staging, has release judge what an
 * independent reader finds there, and announces exactly those bytes. `upload` follows, here or after any crash.
 */
export async function planMessage(work: MessageWork): Promise<PlanAnswer> {
  const { context, version, destination, run } = work;
  return unlessChanged<PlanAnswer>(context, version, async () => {
    const { open, nextGeneration } = await lastIntent(context, version, destination);
    if (open !== undefined) return { next: 'upload' };
    const reason = heldByVerdict(version);
    if (reason !== undefined) return hold(context, version, destination, { reason }, run);
    const shared = await shareExisting(context, version, destination, run);
    if (shared !== undefined) return shared;
    return context.semaphores.upload.run(() => sealAndRelease(work, nextGeneration), run.patienceMs);
  });
}

async function sealAndRelease(work: MessageWork, generation: number): Promise<PlanAnswer> {
  const { context, version, destination, run } = work;
  const { name, maxObjectSize } = destination.config;
  const message = await stageMessage(context, version, generation, run);
  if (message.length > maxObjectSize) {
    await dropMessage(context, message);
    throw new Failure('object_too_large', { destination: name });
  }
  const found = await foundMessage(context, version, name, message, run);
  const released = await release(context, version, destination, found);
  if (!released.allow) {
    await dropMessage(context, message);
    const reason = released.reasons[0]?.id ?? 'denied';
    return hold(context, version, destination, { reason, released }, run);
  }
  context.failPoints.reach('before-intent');
  await announce(work, message, released);
  context.failPoints.reach('after-intent');
  return { next: 'upload' };
}

function dropMessage(context: PipelineContext, { row }: SealedMessage): Promise<void> {
  return context.staging.drop(stagedName(row.id, row.iv));
}

async function announce(
  { context, version, destination }: MessageWork,
  message: SealedMessage,
  released: Released,
): Promise<void> {
  const { name, prefix } = destination.config;
  const { scope, retention } = version.admission;
  const { row, length, sha256 } = message;
  const { sha512, sizeBytes } = version.content;
  const intent: IntentRow = {
    id: context.ids.intent(row.id, name),
    sealingId: row.id,
    packId: null,
    destination: name,
    objectKey: context.keys.objectKey({ prefix, scope, sha512, iv: row.iv }),
    state: 'open',
    sealedLength: length,
    sealedSha256: sha256,
    lockMode: retention.mode,
    lockDays: retention.days,
    metadata: null,
    sealerId: null,
    uploadId: null,
    partSize: sizeBytes <= smallContentBytes ? null : partSizeFor(length),
  };
  await context.catalog.write({
    sealing: row,
    intent,
    decisions: [released.row],
    placements: [
      {
        versionId: version.id,
        destination: name,
        objectId: null,
        byteOffset: 0,
        length: null,
        state: 'uploading',
        reason: null,
      },
    ],
    events: [
      sealEvent(context, version, row, { sealedLength: length, sealedSha256: sha256.toString('hex') }),
      released.event,
    ],
  });
}
