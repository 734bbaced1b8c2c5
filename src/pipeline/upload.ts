import { isFailure } from '../domain/failures.ts';
import type { UploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged } from '../files/segment-reader.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { NotReproducible } from './part-sender.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { ResealedFile } from './resealed-file.ts';
import { abandon, settledAs } from './settle.ts';
import { besideOthers, type UploadUnderWay, uploadUnderWay } from './several.ts';
import { StagedMessage } from './staged-message.ts';
import { UploadAttempt } from './upload-attempt.ts';

/**
 * Steps 7 to 9 from an open intent, of large content and of messages: a sealed file is made again from segment 0 in one
 * pass over its original, a message lies in staging. What the server has is not sent again, so a crash at any moment costs
 * the parts in flight and nothing else.
 */
export async function upload(
  context: PipelineContext,
  { versionId }: VersionStep,
  run: StepRun,
): Promise<UploadAnswer> {
  const version = scanned(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return settledAs(context, version);
  const underWay = await uploadUnderWay(context, version);
  if (underWay === undefined) return { next: 'plan' };
  return besideOthers(context, underWay, () => uploadTo(context, underWay, run));
}

/** The same for one destination. */
export async function uploadTo(
  context: PipelineContext,
  { version, destination, intent }: UploadUnderWay,
  run: StepRun,
): Promise<UploadAnswer> {
  if (version.admission.format === 'openpgp') {
    const message = new StagedMessage(context, version, intent, run);
    const attempt = new UploadAttempt(context, version, destination, intent, message, run);
    const send = () => (intent.partSize === null ? attempt.runWhole(() => message.whole()) : attempt.run());
    const answer = await finish(context, version, attempt, send, run);
    await message.drop();
    return answer;
  }
  const file = new ResealedFile(context, version, intent, run);
  const attempt = new UploadAttempt(context, version, destination, intent, file, run);
  return finish(context, version, attempt, () => attempt.run(), run);
}

/** Sends; where it cannot go on under the intent, closes that. */
async function finish(
  context: PipelineContext,
  version: ScannedVersion,
  attempt: UploadAttempt,
  send: () => Promise<UploadAnswer>,
  run: StepRun,
): Promise<UploadAnswer> {
  try {
    return await context.semaphores.upload.run(send, run.patienceMs);
  } catch (error) {
    if (error instanceof ContentChanged) {
      await attempt.dropUpload();
      return abandon(context, version, {
        intentClosed: { id: attempt.intentId, state: 'aborted', reason: 'changed' },
      });
    }
    const reason = startOverReason(error);
    if (reason === undefined) throw error;
    await attempt.startOver(reason);
    return { next: 'plan' };
  }
}

/** Why the upload cannot go on under its intent though the file is fine; a new plan then seals under a new IV. */
function startOverReason(error: unknown): string | undefined {
  if (error instanceof NotReproducible) return 'not_reproducible';
  return isFailure(error, 'upload_missing') ? 'upload_gone' : undefined;
}
