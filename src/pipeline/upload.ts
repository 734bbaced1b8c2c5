import type { OpenIntent } from '../catalog/catalog.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import type { UploadAnswer, VersionStep } from '../domain/steps.ts';
import { ContentChanged, readSegments } from '../files/segment-reader.ts';
import { encodeMetadata } from '../sealed/metadata.ts';
import { openSealed } from '../sealed/open.ts';
import { type SealPlan, sealerId } from '../sealed/seal.ts';
import { compositeSha256 } from '../storage/locks.ts';
import type { CompleteResult, Part } from '../storage/object-store.ts';
import { commitUpload } from './commit.ts';
import { type Destination, destinationOf, type PipelineContext, type StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { checkReadBack, findOurs } from './lock.ts';
import { NotReproducible, PartSender } from './part-sender.ts';
import { type ScannedVersion, scanned } from './policy-input.ts';
import { release } from './release.ts';
import { sealInOrder } from './seal-stream.ts';
import { drawSealing, foundSealing, sealPlan, statedSealing } from './sealing.ts';
import { abandon, settledAs } from './settle.ts';

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
  const attempt = new Attempt(context, version, destination, intent, run);
  try {
    return await context.semaphores.upload.run(() => attempt.run(), run.patienceMs);
  } catch (error) {
    if (error instanceof ContentChanged) {
      await attempt.dropUpload();
      return abandon(context, version, {
        intentClosed: { id: intent.id, state: 'aborted', reason: 'changed' },
      });
    }
    const gone = isFailure(error, 'upload_missing');
    if (!gone && !(error instanceof NotReproducible)) throw error;
    await attempt.startOver(gone ? 'upload_gone' : 'not_reproducible');
    return { next: 'plan' };
  }
}

interface Sent {
  readonly s3VersionId: string;
  readonly lengthBytes: number;
  readonly checksum: { kind: 'composite'; sha256: Buffer };
  readonly partCount: number;
}

class Attempt {
  private readonly context: PipelineContext;
  private readonly version: ScannedVersion;
  private readonly destination: Destination;
  private readonly intent: OpenIntent;
  private readonly stepRun: StepRun;
  private uploadId: string | null;

  constructor(
    context: PipelineContext,
    version: ScannedVersion,
    destination: Destination,
    intent: OpenIntent,
    run: StepRun,
  ) {
    this.context = context;
    this.version = version;
    this.destination = destination;
    this.intent = intent;
    this.stepRun = run;
    this.uploadId = intent.uploadId;
  }

  async run(): Promise<UploadAnswer> {
    const { context, version, destination, intent } = this;
    const plan = await this.plan();
    const held = await this.releaseAgainIfOld();
    if (held) return held;
    const sent = (await this.sentBefore()) ?? (await this.sendAndComplete(plan));
    const object = { key: intent.objectKey, versionId: sent.s3VersionId };
    // The lock was fixed when the upload began, perhaps days ago.
    const wanted = await destination.store.lockUntil({ mode: intent.lockMode, days: intent.lockDays });
    await destination.store.extendLock({ ...object, lock: wanted });
    const facts = await destination.store.head(object);
    const lock = checkReadBack(destination.config.name, facts, { ...sent, floor: this.anyLock() });
    context.failPoints.reach('after-read-back');
    return commitUpload(context, version, destination, {
      intent,
      s3VersionId: sent.s3VersionId,
      length: sent.lengthBytes,
      lock,
      parts: sent.partCount,
    });
  }

  /** The plan as frozen in the intent; another program, or facts that have moved on, cannot make the same bytes. */
  private async plan(): Promise<SealPlan> {
    const { intent } = this;
    const sealing = await drawSealing(this.context, this.version, intent.generation);
    const plan = sealPlan(this.version, sealing);
    const same =
      sealing.row.id === intent.sealingId &&
      sealerId(plan) === intent.sealerId &&
      intent.metadata?.equals(encodeMetadata(plan.path, plan.metadata));
    if (!same) throw new NotReproducible();
    return plan;
  }

  /** A decision is good for 15 minutes to the first byte, and for one bundle: otherwise policy is asked once more. */
  private async releaseAgainIfOld(): Promise<UploadAnswer | undefined> {
    const { context, version, destination, intent } = this;
    if (this.uploadId !== null && (await context.catalog.intentParts(intent.id)).length > 0) return undefined;
    const fresh = await context.catalog.freshRelease(
      version.id,
      destination.config.name,
      context.bundleRevision,
    );
    if (fresh) return undefined;
    return this.askAgain();
  }

  private async askAgain(): Promise<UploadAnswer | undefined> {
    const { context, version, destination, intent } = this;
    const plan = statedSealing(context, version, 'plan', intent.keyId);
    const released = await release(context, version, destination, plan);
    await context.catalog.write({ decisions: [released.row], events: [] });
    if (released.allow) return undefined;
    await this.startOver('release_denied');
    return { next: 'plan' };
  }

  /** What an earlier try completed without living to record it. */
  private async sentBefore(): Promise<Sent | undefined> {
    if (this.uploadId === null) return undefined;
    if ((await this.destination.store.listParts(this.name())) !== undefined) return undefined;
    const recorded = await this.context.catalog.intentParts(this.intent.id);
    const whole = {
      lengthBytes: recorded.reduce((sum, part) => sum + part.length, 0),
      checksum: { kind: 'composite' as const, sha256: compositeSha256(recorded) },
    };
    const expected = { ...whole, floor: this.anyLock() };
    const s3VersionId = await findOurs(this.destination.store, this.intent.objectKey, expected);
    if (s3VersionId === undefined)
      throw new Failure('upload_missing', { destination: this.destination.config.name });
    return { ...whole, s3VersionId, partCount: recorded.length };
  }

  private async sendAndComplete(plan: SealPlan): Promise<Sent> {
    const { context, destination } = this;
    const sent = await this.send(plan);
    context.failPoints.reach('before-complete');
    const completed = await destination.store.completeMultipart({ ...this.name(), parts: sent.parts });
    context.failPoints.reach('after-complete');
    return { ...sent, s3VersionId: await this.versionOf(completed, sent), partCount: sent.parts.length };
  }

  /** Read back as it was asked at the beginning: the mode counts, the date was extended just now. */
  private anyLock(): Lock {
    return { mode: this.intent.lockMode, retainUntil: new Date(0) };
  }

  private async send(plan: SealPlan): Promise<{
    parts: readonly Part[];
    lengthBytes: number;
    checksum: { kind: 'composite'; sha256: Buffer };
  }> {
    const { context, version, destination, intent, stepRun } = this;
    const present = await this.present();
    const sender = new PartSender({
      store: destination.store,
      catalog: context.catalog,
      intentId: intent.id,
      upload: this.name(),
      partSize: intent.partSize ?? 0,
      recorded: await context.catalog.intentParts(intent.id),
      present,
      run: stepRun,
      failPoints: context.failPoints,
    });
    const sealed = await withUnchangedFile(context, version, async (handle) => {
      const segments = readSegments(handle, { ...version, sizeBytes: version.content.sizeBytes });
      return sealInOrder(plan, segments, (bytes) => sender.add(bytes), stepRun);
    });
    if (sealed === 'changed') throw new ContentChanged(0);
    const sent = await sender.finish();
    await this.inspect(sealed, sent.lengthBytes);
    return sent;
  }

  /** The independent reader judges what was sealed by its head, first segment, table and footer, before Complete. */
  private async inspect(sealed: { head: Buffer; tail: Buffer }, lengthBytes: number): Promise<void> {
    const { context, version, destination } = this;
    const tailStart = lengthBytes - sealed.tail.length;
    const opened = await openSealed(
      {
        lengthBytes,
        read: async (offset, length) => {
          const at = offset >= tailStart ? offset - tailStart : offset;
          const bytes = (offset >= tailStart ? sealed.tail : sealed.head).subarray(at, at + length);
          if (bytes.length !== length) throw new Failure('internal', { detail: 'reader left head and tail' });
          return bytes;
        },
      },
      { keys: (id) => context.keys.byId(id), purpose: 'content' },
    );
    const { offset, length } = opened.segmentRange(0);
    await opened.openSegment(0, sealed.head.subarray(offset, offset + length));
    const released = await release(
      context,
      version,
      destination,
      foundSealing(context, version, opened, true),
    );
    if (!released.allow) throw new Failure('sealing_refused', { destination: destination.config.name });
  }

  /** Parts the server has; begins the upload if none is under way. */
  private async present(): Promise<readonly Part[]> {
    const { destination, intent, context } = this;
    if (this.uploadId !== null) return (await destination.store.listParts(this.name())) ?? [];
    // An upload begun just before a crash has our key and no record: nothing was sent into it.
    for await (const stray of destination.store.listMultiparts(intent.objectKey))
      await destination.store.abortMultipart(stray);
    const lock = { mode: intent.lockMode, days: intent.lockDays };
    const { uploadId } = await destination.store.createMultipart({ key: intent.objectKey, lock });
    this.uploadId = uploadId;
    context.failPoints.reach('after-multipart-created');
    await context.catalog.write({ uploadBegun: { intentId: intent.id, uploadId }, events: [] });
    return [];
  }

  private async versionOf(
    completed: CompleteResult,
    sent: { lengthBytes: number; checksum: { kind: 'composite'; sha256: Buffer } },
  ): Promise<string> {
    if (completed.kind === 'stored') return completed.versionId;
    if (completed.kind === 'conflict')
      throw new Failure('upload_missing', { destination: this.destination.config.name });
    const expected = { ...sent, floor: this.anyLock() };
    const ours = await findOurs(this.destination.store, this.intent.objectKey, expected);
    if (ours !== undefined) return ours;
    throw new Failure(completed.kind === 'exists' ? 'planted_object' : 'upload_missing', {
      destination: this.destination.config.name,
    });
  }

  private name(): { key: string; uploadId: string } {
    return { key: this.intent.objectKey, uploadId: this.uploadId ?? '' };
  }

  /** Drops what was sent; the next plan seals under a new IV. */
  async startOver(reason: string): Promise<void> {
    await this.dropUpload();
    await this.context.catalog.write({
      intentClosed: { id: this.intent.id, state: 'aborted', reason },
      events: [],
    });
  }

  async dropUpload(): Promise<void> {
    if (this.uploadId !== null) await this.destination.store.abortMultipart(this.name());
  }
}
