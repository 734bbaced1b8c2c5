import type { OpenIntent } from '../catalog/catalog.ts';
import type { ReleaseInput } from '../domain/records.ts';
import { ContentChanged, readSegments } from '../files/segment-reader.ts';
import { encodeMetadata } from '../sealed/metadata.ts';
import { type SealPlan, sealerId } from '../sealed/seal.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import { inspectSealed } from './inspect-sealed.ts';
import { NotReproducible, type PartSender, type SentParts } from './part-sender.ts';
import type { ScannedVersion } from './policy-input.ts';
import { sealInOrder } from './seal-stream.ts';
import { drawSealing, sealPlan, statedSealing } from './sealing.ts';
import type { SealedBytes } from './upload-attempt.ts';

/** The bytes of a sealed file, made from its original at every try. */
export class ResealedFile implements SealedBytes {
  private readonly context: PipelineContext;
  private readonly version: ScannedVersion;
  private readonly intent: OpenIntent;
  private readonly stepRun: StepRun;

  constructor(context: PipelineContext, version: ScannedVersion, intent: OpenIntent, stepRun: StepRun) {
    this.context = context;
    this.version = version;
    this.intent = intent;
    this.stepRun = stepRun;
  }

  async check(): Promise<void> {
    await this.plan();
  }

  async stated(): Promise<ReleaseInput['sealing']> {
    return statedSealing(this.context, this.version, 'plan', this.intent.keyId);
  }

  async send(sender: PartSender): Promise<SentParts> {
    const { context, version, intent, stepRun } = this;
    const plan = await this.plan();
    const ends = await withUnchangedFile(context, version, async (handle) => {
      const segments = readSegments(handle, { ...version, sizeBytes: version.content.sizeBytes });
      return sealInOrder(plan, segments, (bytes) => sender.add(bytes), stepRun);
    });
    if (ends === 'changed') throw new ContentChanged(0);
    const sent = await sender.finish();
    const allowed = { destination: intent.destination, keyId: intent.keyId };
    await inspectSealed(context, version, allowed, ends, sent.lengthBytes);
    return sent;
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
}
