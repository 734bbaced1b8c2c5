import { isFailure } from '../domain/failures.ts';
import type { UploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged } from '../files/segment-reader.ts';
import { destinationOf, type PipelineContext, type StepRun } from './context.ts';
import { NotReproducible } from './part-sender.ts';
import { scanned } from './policy-input.ts';
import { abandon, settledAs } from './settle.ts';
import { UploadAttempt } from './upload-attempt.ts';

/**
 * Steps 7 to 9 of large content, from its open intent: one pass over the file seals it again from segment 0 and sends what
 * the server does not have yet, so a crash at any moment costs the parts in flight and nothing else.
 */
export async function upload(
  context: PipelineContext,
  { versionId }: VersionStep,
  run: StepRun,
): Promise<UploadAnswer> {
  const version = scanned(await context.catalog.version(versionId));
  if (version.outcome !== undefined) return settledAs(context, version);
  const destination = destinationOf(context, version.admission.destinations[0] ?? '');
  const intent = await context.catalog.intentOf(versionId, destination.config.name);
  if (intent?.state !== 'open') return { next: 'plan' };
  const attempt = new UploadAttempt(context, version, destination, intent, run);
  try {
    return await context.semaphores.upload.run(() => attempt.run(), run.patienceMs);
  } catch (error) {
    if (error instanceof ContentChanged) {
      await attempt.dropUpload();
      return abandon(context, version, {
        intentClosed: { id: intent.id, state: 'aborted', reason: 'changed' },
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
