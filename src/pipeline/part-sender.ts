import type { Catalog } from '../catalog/catalog.ts';
import type { IntentPartRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import { compositeSha256 } from '../storage/locks.ts';
import type { ObjectStore, Part, UploadName } from '../storage/object-store.ts';
import type { StepRun } from './context.ts';
import type { FailPoints } from './fail-points.ts';
import { sha256 } from './sealing.ts';

/** The same plan gave other bytes than recorded: the upload must not go on under this IV. */
export class NotReproducible extends Error {
  override readonly name = 'NotReproducible';
}

/** What was sent, as the server will describe the object. */
export interface SentBytes {
  readonly lengthBytes: number;
  readonly checksum: { readonly kind: 'composite'; readonly sha256: Buffer };
  readonly partCount: number;
}

export interface SentParts extends SentBytes {
  readonly parts: readonly Part[];
}

/** Parts under way at once: while one is sent the next is sealed, and a crash costs no more than one. */
const inFlight = 1;

export interface PartSenderOptions {
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly intentId: Id;
  readonly upload: UploadName;
  readonly partSize: number;
  /** Parts announced by an earlier try. */
  readonly recorded: readonly IntentPartRow[];
  /** Parts the server says it has. */
  readonly present: readonly Part[];
  readonly run: StepRun;
  readonly failPoints: FailPoints;
}

/**
 * Cuts sealed bytes into parts and sends them: each part's length and SHA-256 are recorded before its first byte goes out,
 * and a part the server has already is not sent again.
 */
export class PartSender {
  private readonly options: PartSenderOptions;
  private readonly recorded: ReadonlyMap<number, IntentPartRow>;
  private readonly present: ReadonlyMap<number, Part>;
  private readonly done: Part[] = [];
  private readonly sending = new Set<Promise<void>>();
  private failed: unknown;
  /** The part being filled, and buffers of sent parts that can be filled again. */
  private current: Buffer | undefined;
  private readonly spare: Buffer[] = [];
  private pendingBytes = 0;
  private partNumber = 0;
  private lengthBytes = 0;

  constructor(options: PartSenderOptions) {
    this.options = options;
    this.recorded = new Map(options.recorded.map((part) => [part.partNumber, part]));
    this.present = new Map(options.present.map((part) => [part.partNumber, part]));
  }

  /** Takes the next sealed bytes; waits while too many parts are under way. */
  async add(bytes: Buffer): Promise<void> {
    this.lengthBytes += bytes.length;
    let rest = bytes;
    while (this.pendingBytes + rest.length >= this.options.partSize) {
      const fits = this.options.partSize - this.pendingBytes;
      this.fill(rest.subarray(0, fits));
      rest = rest.subarray(fits);
      await this.cut();
    }
    if (rest.length > 0) this.fill(rest);
  }

  /** Sends the rest and waits for all parts. */
  async finish(): Promise<SentParts> {
    if (this.pendingBytes > 0) await this.cut();
    await Promise.all(this.sending);
    this.throwIfFailed();
    const parts = this.done.sort((a, b) => a.partNumber - b.partNumber);
    const checksum = {
      kind: 'composite' as const,
      sha256: compositeSha256(parts),
    };
    return { parts, partCount: parts.length, lengthBytes: this.lengthBytes, checksum };
  }

  /** Resolves when no part is under way any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.sending);
  }

  /** Copies into the part at hand: a few fixed buffers instead of ever new ones keep memory where it is. */
  private fill(bytes: Buffer): void {
    this.current ??= this.spare.pop() ?? Buffer.allocUnsafeSlow(this.options.partSize);
    bytes.copy(this.current, this.pendingBytes);
    this.pendingBytes += bytes.length;
  }

  private async cut(): Promise<void> {
    const buffer = this.current ?? Buffer.alloc(0);
    const body = buffer.subarray(0, this.pendingBytes);
    this.current = undefined;
    this.pendingBytes = 0;
    this.partNumber += 1;
    const part = { partNumber: this.partNumber, length: body.length, sha256: sha256(body) };
    const before = this.recorded.get(part.partNumber);
    if (before && (before.length !== part.length || !before.sha256.equals(part.sha256)))
      throw new NotReproducible();
    const there = this.present.get(part.partNumber);
    if (before && there?.sha256.equals(part.sha256) && there.lengthBytes === part.length) {
      this.done.push(there);
      this.spare.push(buffer);
      return;
    }
    while (this.sending.size >= inFlight) await Promise.race(this.sending);
    this.throwIfFailed();
    const sending = this.send(part, body, before !== undefined)
      .catch((error: unknown) => {
        this.failed ??= error;
      })
      .finally(() => {
        this.sending.delete(sending);
        this.spare.push(buffer);
      });
    this.sending.add(sending);
  }

  private async send(
    part: { partNumber: number; length: number; sha256: Buffer },
    body: Buffer,
    recorded: boolean,
  ): Promise<void> {
    const { catalog, store, upload, intentId, run, failPoints } = this.options;
    if (!recorded) await catalog.write({ intentPart: { intentId, ...part }, events: [] });
    const { etag } = await store.uploadPart({
      ...upload,
      partNumber: part.partNumber,
      body,
      sha256: part.sha256,
    });
    run.heartbeat();
    this.done.push({ partNumber: part.partNumber, etag, sha256: part.sha256, lengthBytes: part.length });
    failPoints.reach('after-part');
  }

  private throwIfFailed(): void {
    if (this.failed !== undefined) throw this.failed;
  }
}
