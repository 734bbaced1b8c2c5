import type { OpenIntent } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Id, Lock, ReleaseInput } from '../domain/records.ts';
import type { UploadAnswer } from '../domain/steps.ts';
import type { Part, UploadName } from '../storage/object-store.ts';
import { commitUpload } from './commit.ts';
import type { Destination, PipelineContext, StepRun } from './context.ts';
import { findLanded, type Landed } from './landed.ts';
import { checkReadBack, findOurs } from './lock.ts';
import { PartSender, type SentParts } from './part-sender.ts';
import type { ScannedVersion } from './policy-input.ts';
import { commitLanded, putWhole } from './put-whole.ts';
import { decisionMinutes, release } from './release.ts';

/** What makes the sealed bytes of an upload, the same ones at every try. */
export interface SealedBytes {
  /** Throws `NotReproducible` where they cannot be what the intent stands for. */
  check(): Promise<void>;
  /** The bytes as release is asked about them once more. */
  stated(): Promise<ReleaseInput['sealing']>;
  /**
   * Sends all of them, and gives what was sent once a reader has vouched for it. Throws `ContentChanged`,
   * `NotReproducible` or the failure `sealing_refused`.
   */
  send(sender: PartSender): Promise<SentParts>;
}

/** One try to bring a large file's upload to its end, whatever earlier tries left behind. */
export class UploadAttempt {
  private readonly context: PipelineContext;
  private readonly version: ScannedVersion;
  private readonly destination: Destination;
  private readonly intent: OpenIntent;
  private readonly bytes: SealedBytes;
  private readonly stepRun: StepRun;
  private uploadId: string | null;

  constructor(
    context: PipelineContext,
    version: ScannedVersion,
    destination: Destination,
    intent: OpenIntent,
    bytes: SealedBytes,
    stepRun: StepRun,
  ) {
    this.context = context;
    this.version = version;
    this.destination = destination;
    this.intent = intent;
    this.bytes = bytes;
    this.stepRun = stepRun;
    this.uploadId = intent.uploadId;
  }

  /** Throws `ContentChanged`, `NotReproducible`, or `upload_missing` where it cannot go on under this intent. */
  async run(): Promise<UploadAnswer> {
    const before = await this.completedBefore();
    if (before !== undefined) return this.commit(before.s3VersionId, before.sent);
    await this.bytes.check();
    // Parts that another destination's upload announced say nothing about this one.
    const begun =
      this.uploadId !== null && (await this.context.catalog.intentParts(this.intent.id)).length > 0;
    if (!begun && !(await this.releaseHolds(decisionMinutes))) return this.refused();
    const sent = await this.send();
    if (!(await this.releaseHolds())) return this.refused();
    this.context.failPoints.reach('before-complete');
    const s3VersionId = await this.complete(sent);
    this.context.failPoints.reach('after-complete');
    return this.commit(s3VersionId, sent);
  }

  /**
   * The same with one PUT, for an intent without parts.
   *
   * @param read gives the bytes, once they have been checked and released
   */
  async runWhole(read: () => Promise<Buffer>): Promise<UploadAnswer> {
    const { context, version, destination, intent } = this;
    const whole = { context, version, destination, intent, keyId: intent.keyId };
    const landed = await findLanded(context.catalog, destination.store, intent);
    if (landed !== undefined) return commitLanded(whole, landed);
    await this.bytes.check();
    if (!(await this.releaseHolds(decisionMinutes))) return this.refused();
    return putWhole(whole, await read(), intent.sealedSha256 ?? Buffer.alloc(0));
  }

  get intentId(): Id {
    return this.intent.id;
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

  private async refused(): Promise<UploadAnswer> {
    await this.startOver('release_denied');
    return { next: 'plan' };
  }

  /**
   * Whether release allows these bytes: as decided under the bundle in force, within the given time if one is given;
   * otherwise policy is asked once more.
   */
  private async releaseHolds(withinMinutes?: number): Promise<boolean> {
    const { context, version, destination } = this;
    const asked = { versionId: version.id, destination: destination.config.name };
    const bundle = context.bundleRevision;
    if (await context.catalog.releasedUnder(asked, bundle, withinMinutes)) return true;
    const released = await release(context, version, destination, await this.bytes.stated());
    await context.catalog.write({ decisions: [released.row], events: [released.event] });
    return released.allow;
  }

  /** What an earlier try completed without living to record it. */
  private async completedBefore(): Promise<Landed | undefined> {
    const { store } = this.destination;
    if (this.uploadId === null || (await store.listParts(this.name())) !== undefined) return undefined;
    const landed = await findLanded(this.context.catalog, store, this.intent);
    if (landed === undefined) throw this.uploadMissing();
    return landed;
  }

  private async send(): Promise<SentParts> {
    const { context, destination, intent, stepRun } = this;
    const present = await this.present();
    const sender = new PartSender({
      store: destination.store,
      catalog: context.catalog,
      intentId: intent.id,
      upload: this.name(),
      partSize: intent.partSize ?? 0,
      recorded: await context.catalog.intentParts(intent.id),
      present,
      buffers: context.partBuffers,
      run: stepRun,
      failPoints: context.failPoints,
    });
    try {
      return await this.bytes.send(sender);
    } finally {
      await sender.idle();
    }
  }

  /** Parts the server has; begins the upload if none is under way. */
  private async present(): Promise<readonly Part[]> {
    const { context, destination, intent } = this;
    const { store } = destination;
    if (this.uploadId !== null) return (await store.listParts(this.name())) ?? [];
    // An upload begun just before a crash has our key and no record: nothing was sent into it.
    for await (const stray of store.listMultiparts(intent.objectKey)) await store.abortMultipart(stray);
    const lock = { mode: intent.lockMode, days: intent.lockDays };
    const { uploadId } = await store.createMultipart({ key: intent.objectKey, lock });
    this.uploadId = uploadId;
    context.failPoints.reach('after-multipart-created');
    await context.catalog.write({ uploadBegun: { intentId: intent.id, uploadId }, events: [] });
    return [];
  }

  private async complete(sent: SentParts): Promise<string> {
    const { store, config } = this.destination;
    const completed = await store.completeMultipart({ ...this.name(), parts: sent.parts });
    if (completed.kind === 'stored') return completed.versionId;
    if (completed.kind === 'conflict') throw this.uploadMissing();
    const expected = { ...sent, floor: this.anyLock() };
    const ours = await findOurs(store, this.intent.objectKey, expected);
    if (ours !== undefined) return ours;
    throw completed.kind === 'exists'
      ? new Failure('planted_object', { destination: config.name })
      : this.uploadMissing();
  }

  private async commit(s3VersionId: string, sent: Landed['sent']): Promise<UploadAnswer> {
    const { context, version, destination, intent } = this;
    const { store, config } = destination;
    const object = { key: intent.objectKey, versionId: s3VersionId };
    // The lock was fixed when the upload began, perhaps days ago.
    const wanted = await store.lockUntil({ mode: intent.lockMode, days: intent.lockDays });
    await store.extendLock({ ...object, lock: wanted });
    const expected = { ...sent, floor: this.anyLock() };
    const lock = checkReadBack(config.name, await store.head(object), expected);
    context.failPoints.reach('after-read-back');
    const { lengthBytes: length, partCount: parts } = sent;
    return commitUpload(context, version, destination, {
      intent,
      keyId: intent.keyId,
      s3VersionId,
      length,
      lock,
      parts,
    });
  }

  /** The mode asked for at the beginning; the date was extended just now. */
  private anyLock(): Lock {
    return { mode: this.intent.lockMode, retainUntil: new Date(0) };
  }

  private name(): UploadName {
    return { key: this.intent.objectKey, uploadId: this.uploadId ?? '' };
  }

  private uploadMissing(): Failure {
    return new Failure('upload_missing', { destination: this.destination.config.name });
  }
}
