import { hash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import type { IntentPartRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import { compositeSha256 } from '../storage/locks.ts';
import type { ObjectStore, Part, UploadName } from '../storage/object-store.ts';
import type { StepRun } from './context.ts';
import type { FailPoints } from './fail-points.ts';
import type { PartBuffers } from './part-buffers.ts';

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

/** Parts of one file that are recorded or sent at once, beside the one being filled: what a crash costs at most. */
const inFlight = 4;

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
  readonly buffers: PartBuffers;
  readonly run: StepRun;
  readonly failPoints: FailPoints;
}

/**
 * Cuts sealed bytes into parts and sends several at once: each part's length and SHA-256 are recorded before its first byte
 * goes out, and a part the server has already is not sent again. No part is sent before all those before it were found to be
 * as recorded: what comes after a part that is not would cover keystream that covered other bytes.
 */
export class PartSender {
  private readonly options: PartSenderOptions;
  private readonly recorded: ReadonlyMap<number, IntentPartRow>;
  private readonly present: ReadonlyMap<number, Part>;
  private readonly done: Part[] = [];
  private readonly sending = new Set<Promise<void>>();
  private failed: unknown;
  /** The part being filled. */
  private current: Buffer | undefined;
  private pendingBytes = 0;
  private partNumber = 0;
  private lengthBytes = 0;

  constructor(options: PartSenderOptions) {
    this.options = options;
    this.recorded = new Map(options.recorded.map((part) => [part.partNumber, part]));
    this.present = new Map(options.present.map((part) => [part.partNumber, part]));
  }

  /** Takes the next sealed bytes; waits while too many parts are under way, of this file or of all. */
  async add(bytes: Buffer): Promise<void> {
    this.lengthBytes += bytes.length;
    for (let rest = bytes; rest.length > 0; ) {
      this.current ??= await this.options.buffers.take(this.options.partSize);
      const filled = rest.copy(this.current, this.pendingBytes);
      this.pendingBytes += filled;
      rest = rest.subarray(filled);
      if (this.pendingBytes === this.options.partSize) await this.cut(this.current);
    }
  }

  /** Sends the rest and waits for all parts. */
  async finish(): Promise<SentParts> {
    if (this.current !== undefined) await this.cut(this.current);
    await Promise.all(this.sending);
    this.throwIfFailed();
    const parts = this.done.sort((a, b) => a.partNumber - b.partNumber);
    const checksum = {
      kind: 'composite' as const,
      sha256: compositeSha256(parts),
    };
    return { parts, partCount: parts.length, lengthBytes: this.lengthBytes, checksum };
  }

  /** Resolves when no part is under way any more; what was filled and not sent is dropped. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.sending);
    if (this.current !== undefined) this.options.buffers.give(this.current);
    this.current = undefined;
  }

  private async cut(buffer: Buffer): Promise<void> {
    while (this.sending.size >= inFlight) await Promise.race(this.sending);
    this.throwIfFailed();
    const body = buffer.subarray(0, this.pendingBytes);
    // On this thread, one after the other: none is on its way before all those in front of it were looked at.
    const sha256 = this.asRecorded(body, this.partNumber + 1);
    this.current = undefined;
    this.pendingBytes = 0;
    this.partNumber += 1;
    const sending = this.send(this.partNumber, body, sha256)
      .catch((error: unknown) => {
        this.failed ??= error;
      })
      .finally(() => {
        this.sending.delete(sending);
        this.options.buffers.give(buffer);
      });
    this.sending.add(sending);
  }

  /** The part's SHA-256. Throws {@link NotReproducible} where an earlier try recorded another one. */
  private asRecorded(body: Buffer, partNumber: number): Buffer {
    const sha256 = hash('sha256', body, 'buffer');
    const before = this.recorded.get(partNumber);
    if (before && (before.length !== body.length || !before.sha256.equals(sha256)))
      throw new NotReproducible();
    return sha256;
  }

  private async send(partNumber: number, body: Buffer, sha256: Buffer): Promise<void> {
    const { catalog, store, upload, intentId, run, failPoints } = this.options;
    const before = this.recorded.get(partNumber);
    const there = this.present.get(partNumber);
    if (before && there?.sha256.equals(sha256) && there.lengthBytes === body.length) {
      this.done.push(there);
      return;
    }
    if (!before) {
      const intentPart = { intentId, partNumber, length: body.length, sha256 };
      await catalog.write({ intentPart, events: [] });
    }
    const { etag } = await store.uploadPart({ ...upload, partNumber, body, sha256 });
    run.heartbeat();
    this.done.push({ partNumber, etag, sha256, lengthBytes: body.length });
    failPoints.reach('after-part');
  }

  private throwIfFailed(): void {
    if (this.failed !== undefined) throw this.failed;
  }
}
