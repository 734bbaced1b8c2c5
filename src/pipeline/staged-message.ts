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

/** Sealed bytes in staging: every try sends the very same ones, and only those that the intent announces. */
export class StagedBytes {
  private readonly context: PipelineContext;
  private readonly intent: Pick<OpenIntent, 'sealedLength' | 'sealedSha256'>;
  private readonly stepRun: StepRun;
  private readonly name: string;

  /** @param name what they are found by */
  constructor(
    context: PipelineContext,
    intent: Pick<OpenIntent, 'sealedLength' | 'sealedSha256'>,
    stepRun: StepRun,
    name: string,
  ) {
    this.context = context;
    this.intent = intent;
    this.stepRun = stepRun;
    this.name = name;
  }

  async check(): Promise<void> {
    const staged = await this.context.staging.measure(this.name);
    const { sealedLength, sealedSha256 } = this.intent;
    if (staged?.length !== sealedLength || !sealedSha256?.equals(staged.sha256)) throw new NotReproducible();
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

  /** Whom the packets say that they are for, where they are an OpenPGP message. */
  async recipients(): Promise<readonly string[]> {
    const packets = new OuterPackets();
    for await (const bytes of this.context.staging.read(this.name)) {
      if (packets.add(bytes).length > 0) break;
    }
    return packets.recipients();
  }

  private async *bytes(): AsyncGenerator<Buffer> {
    for await (const bytes of this.context.staging.read(this.name)) {
      this.stepRun.heartbeat();
      this.stepRun.signal.throwIfAborted();
      yield bytes;
    }
  }
}

/** An OpenPGP message on its way. */
export class StagedMessage extends StagedBytes implements SealedBytes {
  private readonly version: ScannedVersion;
  private readonly keyId: string;

  constructor(context: PipelineContext, version: ScannedVersion, intent: OpenIntent, stepRun: StepRun) {
    super(context, intent, stepRun, stagedName(intent.sealingId, intent.iv));
    this.version = version;
    this.keyId = intent.keyId;
  }

  /** Its recipients as its packets tell; that it holds the content was seen before the intent was written. */
  async stated(): Promise<ReleaseInput['sealing']> {
    return messageSealing(this.version, {
      basis: 'sealed-bytes',
      keyId: this.keyId,
      recipients: await this.recipients(),
      contentMatches: true,
    });
  }
}
