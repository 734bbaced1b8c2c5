import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { OpenIntent } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { ReleaseInput } from '../domain/records.ts';
import type { PipelineContext, StepRun } from '../pipeline/context.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { foundSealing, messageSealing } from '../pipeline/sealing.ts';
import { StagedBytes } from '../pipeline/staged-message.ts';
import type { SealedBytes } from '../pipeline/upload-attempt.ts';
import { type OpenedSealed, openSealed } from '../sealed/open.ts';
import type { HeldFile } from './held.ts';

/** The staged bytes of a hold, as release is asked about them and as they go to the bucket. */
export class StagedFile extends StagedBytes implements SealedBytes {
  private readonly found: () => Promise<ReleaseInput['sealing']>;

  /** @param found what a reader finds in the bytes as they are now */
  constructor(
    context: PipelineContext,
    intent: OpenIntent,
    stepRun: StepRun,
    found: () => Promise<ReleaseInput['sealing']>,
  ) {
    super(context, intent, stepRun, intent.sealingId);
    this.found = found;
  }

  stated(): Promise<ReleaseInput['sealing']> {
    return this.found();
  }
}

/**
 * What the independent reader finds in staged bytes, read from the first to the last. Of a message, which nobody here may be
 * able to open, its packets: that it holds the content was seen when it was staged, and its SHA-256 is the one of then.
 *
 * Failure `sealing_refused` where it finds no sealed file of ours at all.
 */
export async function foundStaged(
  context: PipelineContext,
  version: ScannedVersion,
  held: HeldFile,
  run: StepRun,
): Promise<ReleaseInput['sealing']> {
  if (held.format === 'openpgp') {
    const message = new StagedBytes(context, held, run, held.sealingId);
    const recipients = await message.recipients();
    return messageSealing(version, {
      ...{ basis: 'sealed-bytes', keyId: held.keyId, recipients, contentMatches: true },
    });
  }
  const file = await open(context.staging.path(held.sealingId), 'r');
  try {
    const sealed = await opened(context, held, file);
    const digest = createHash('sha512');
    for await (const segment of beating(sealed.segments(), run)) digest.update(segment);
    return foundSealing(context, version, sealed, digest.digest().equals(version.content.sha512));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure('sealing_refused', { destination: held.destination }, { cause: error });
  } finally {
    await file.close();
  }
}

/** The content of a staged sealed file, decrypted. Failures `tampered`, `unknown_key`. */
export async function* stagedContent(
  context: PipelineContext,
  held: HeldFile,
  run: StepRun,
): AsyncGenerator<Buffer> {
  const file = await open(context.staging.path(held.sealingId), 'r');
  try {
    yield* beating((await opened(context, held, file)).segments(), run);
  } finally {
    await file.close();
  }
}

async function* beating(segments: AsyncIterable<Buffer>, run: StepRun): AsyncGenerator<Buffer> {
  for await (const segment of segments) {
    run.heartbeat();
    run.signal.throwIfAborted();
    yield segment;
  }
}

function opened(context: PipelineContext, held: HeldFile, file: FileHandle): Promise<OpenedSealed> {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  return openSealed(
    { lengthBytes: held.sealedLength, read },
    { keys: (id) => context.keys.byId(id), purpose: 'content' },
  );
}
