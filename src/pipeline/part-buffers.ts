import type { Occupancy } from './semaphore.ts';

/**
 * The memory that parts of large uploads are filled into and sent from, of all files together: whoever would need more
 * waits for a part to have been sent. First come, first served. A part that is larger than all of it goes alone.
 */
export class PartBuffers {
  private readonly totalBytes: number;
  private inUseBytes = 0;
  private spare: Buffer[] = [];
  private readonly queue: { readonly sizeBytes: number; readonly enter: (buffer: Buffer) => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  /** In bytes. */
  get occupancy(): Occupancy {
    return { places: this.totalBytes, inUse: this.inUseBytes, waiting: this.queue.length };
  }

  /** A buffer of the size, whatever is in it; it must be given back. */
  take(sizeBytes: number): Promise<Buffer> {
    if (this.queue.length === 0 && this.fits(sizeBytes)) return Promise.resolve(this.lend(sizeBytes));
    return new Promise((enter) => this.queue.push({ sizeBytes, enter }));
  }

  give(buffer: Buffer): void {
    this.inUseBytes -= buffer.length;
    this.spare.push(buffer);
    for (let next = this.queue[0]; next && this.fits(next.sizeBytes); next = this.queue[0]) {
      this.queue.shift();
      next.enter(this.lend(next.sizeBytes));
    }
    // Nothing is under way any more: no reason to keep the memory.
    if (this.inUseBytes === 0) this.spare = [];
  }

  private fits(sizeBytes: number): boolean {
    return this.inUseBytes === 0 || this.inUseBytes + sizeBytes <= this.totalBytes;
  }

  /** A few buffers that are filled again, instead of ever new ones, keep memory where it is. */
  private lend(sizeBytes: number): Buffer {
    this.inUseBytes += sizeBytes;
    const found = this.spare.findIndex(({ length }) => length === sizeBytes);
    const [again] = found < 0 ? [] : this.spare.splice(found, 1);
    // Spares of other sizes would come on top of what is lent.
    if (again === undefined) this.spare = [];
    return again ?? Buffer.allocUnsafeSlow(sizeBytes);
  }
}
