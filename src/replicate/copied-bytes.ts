import type { ReleaseInput } from '../domain/records.ts';
import type { StepRun } from '../pipeline/context.ts';
import type { PartSender, SentParts } from '../pipeline/part-sender.ts';
import type { SealedBytes } from '../pipeline/upload-attempt.ts';
import { stretches, type VerifiedSource } from './sealed-source.ts';

/** The bytes of a sealed file, from another destination. Each part is held against what was announced of it before it goes. */
export class CopiedBytes implements SealedBytes {
  private readonly verified: VerifiedSource;
  private readonly stepRun: StepRun;

  constructor(verified: VerifiedSource, stepRun: StepRun) {
    this.verified = verified;
    this.stepRun = stepRun;
  }

  /** They were read and verified just now. */
  async check(): Promise<void> {}

  async stated(): Promise<ReleaseInput['sealing']> {
    return this.verified.sealing;
  }

  async send(sender: PartSender): Promise<SentParts> {
    const { source, read } = this.verified;
    for (const [offset, length] of stretches(source.length)) {
      this.stepRun.heartbeat();
      this.stepRun.signal.throwIfAborted();
      await sender.add(await read(offset, length));
    }
    return sender.finish();
  }
}
