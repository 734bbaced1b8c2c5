import { createHash } from 'node:crypto';
import type { OpenIntent } from '../catalog/catalog.ts';
import type { ReleaseInput } from '../domain/records.ts';
import { OuterPackets } from '../openpgp/outer-packets.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { NotReproducible, type PartSender, type SentParts } from './part-sender.ts';
import type { ScannedVersion } from './policy-input.ts';
import { messageSealing } from './sealing.ts';
import type { SealedBytes } from './upload-attempt.ts';

/** What a staged message is found by: its sealing, and the nonce that its SHA-256 gives it. */
export const stagedName = (sealingId: string, iv: Buffer): string => `${sealingId}-${iv.toString('hex')}`;

/** An OpenPGP message in staging: every try sends the very same bytes, and only those that the intent announces. */
export class StagedMessage implements SealedBytes {
  private readonly context: PipelineContext;
  private readonly version: ScannedVersion;
  private readonly intent: OpenIntent;
  private readonly stepRun: StepRun;
  private readonly name: string;

  constructor(context: PipelineContext, version: ScannedVersion, intent: OpenIntent, stepRun: StepRun) {
    this.context = context;
    this.version = version;
    this.intent = intent;
    this.stepRun = stepRun;
    this.name = stagedName(intent.sealingId, intent.iv);
  }

  async check(): Promise<void> {
    const staged = await this.context.staging.measure(this.name);
    const { sealedLength, sealedSha256 } = this.intent;
    if (staged?.length !== sealedLength || !sealedSha256?.equals(staged.sha256)) throw new NotReproducible();
  }

  /** Its recipients as its packets tell; that it holds the content was seen before the intent was written. */
  async stated(): Promise<ReleaseInput['sealing']> {
    const packets = new OuterPackets();
    for await (const bytes of this.context.staging.read(this.name)) {
      if (packets.add(bytes).length > 0) break;
    }
    return messageSealing(this.version, {
      basis: 'sealed-bytes',
      keyId: this.intent.keyId,
      recipients: packets.recipients(),
      contentMatches: true,
    });
  }

  async send(sender: PartSender): Promise<SentParts> {
    const hash = createHash('sha256');
    for await (const bytes of this.bytes()) {
      hash.update(bytes);
      await sender.add(bytes);
    }
    const sent = await sender.finish();
    if (!this.intent.sealedSha256?.equals(hash.digest())) throw new NotReproducible();
    return sent;
  }

  /** All of it in memory: small content only. */
  async whole(): Promise<Buffer> {
    const all: Buffer[] = [];
    for await (const bytes of this.bytes()) all.push(bytes);
    return Buffer.concat(all);
  }

  /** It lies in the bucket now, or is not wanted any more. */
  drop(): Promise<void> {
    return this.context.staging.drop(this.name);
  }

  private async *bytes(): AsyncGenerator<Buffer> {
    for await (const bytes of this.context.staging.read(this.name)) {
      this.stepRun.heartbeat();
      this.stepRun.signal.throwIfAborted();
      yield bytes;
    }
  }
}
