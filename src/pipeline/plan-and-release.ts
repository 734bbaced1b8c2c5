import type { IntentRow } from '../catalog/rows.ts';
import type { PlanAnswer, VersionStep } from '../domain/steps.ts';
import { encodeMetadata } from '../sealed/metadata.ts';
import { sealedLengthBound, sealerId } from '../sealed/seal.ts';
import { heldByVerdict, lastIntent } from './before-sealing.ts';
import type { Destination, PipelineContext, StepRun } from './context.ts';
import { unlessChanged } from './guard.ts';
import { hold } from './hold.ts';
import { type MessageWork, planMessage } from './message-steps.ts';
import { partSizeFor } from './part-size.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { release } from './release.ts';
import { drawSealing, sealEvent, sealPlan, statedSealing } from './sealing.ts';
import { settledAs } from './settle.ts';
import { eachDestination } from './several.ts';
import { shareExisting } from './share.ts';

/**
 * Steps 5 and 6 of large content: freezes everything the sealed bytes depend on and asks release about that plan, before
 * the first byte is sealed. `upload` follows, here or after any crash, with the intent as its only instruction.
 */
export async function planAndRelease(
  context: PipelineContext,
  { versionId }: VersionStep,
  run: StepRun,
): Promise<PlanAnswer> {
  const version = scanned(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return settledAs(context, version);
  const isMessage = version.admission.format === 'openpgp';
  const toOne = (version: ScannedVersion, destination: Destination): Promise<PlanAnswer> =>
    isMessage
      ? planMessage({ context, version, destination, run })
      : planFor({ context, version, destination, run });
  return eachDestination<PlanAnswer>(context, version, toOne, isMessage);
}

async function planFor({ context, version, destination, run }: MessageWork): Promise<PlanAnswer> {
  return unlessChanged<PlanAnswer>(context, version, async () => {
    const { open, nextGeneration } = await lastIntent(context, version, destination);
    if (open !== undefined) return { next: 'upload' };
    const reason = heldByVerdict(version);
    if (reason !== undefined) return hold(context, version, destination, { reason }, run);
    const shared = await shareExisting(context, version, destination, run);
    if (shared !== undefined) return shared;

    const sealing = await drawSealing(context, version, nextGeneration);
    const plan = sealPlan(version, sealing);
    context.failPoints.reach('after-seal');
    const released = await release(
      context,
      version,
      destination,
      statedSealing(context, version, 'plan', sealing.row.keyId),
    );
    if (!released.allow) {
      return hold(
        context,
        version,
        destination,
        { reason: released.reasons[0]?.id ?? 'denied', released },
        run,
      );
    }
    context.failPoints.reach('before-intent');
    const { name, prefix } = destination.config;
    const { scope, retention } = version.admission;
    const intent: IntentRow = {
      id: context.ids.intent(sealing.row.id, name),
      sealingId: sealing.row.id,
      packId: null,
      destination: name,
      objectKey: context.keys.objectKey({
        prefix,
        scope,
        sha512: version.content.sha512,
        iv: sealing.row.iv,
      }),
      state: 'open',
      sealedLength: null,
      sealedSha256: null,
      lockMode: retention.mode,
      lockDays: retention.days,
      metadata: encodeMetadata(plan.path, plan.metadata),
      sealerId: sealerId(plan),
      uploadId: null,
      partSize: partSizeFor(sealedLengthBound(plan)),
    };
    await context.catalog.write({
      intent,
      decisions: [released.row],
      placements: [
        {
          ...{ versionId: version.id, destination: name, objectId: null, byteOffset: 0, length: null },
          ...{ state: 'uploading', reason: null },
        },
      ],
      events: [
        sealEvent(context, version, sealing.row, { sealer: intent.sealerId, partSize: intent.partSize }),
        released.event,
      ],
    });
    context.failPoints.reach('after-intent');
    return { next: 'upload' };
  });
}
