/** Bounds how many bytes are in memory at once, whoever holds them. First come, first served. */
export class ByteBudget {
  private readonly totalBytes: number;
  private freeBytes: number;
  private readonly queue: { readonly bytes: number; readonly enter: () => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.freeBytes = totalBytes;
  }

  /** Resolves when `bytes` are free, with what gives them back. More than there are in all counts as all. */
  async take(bytes: number): Promise<() => void> {
    const taken = Math.min(bytes, this.totalBytes);
    if (this.queue.length > 0 || taken > this.freeBytes) {
      await new Promise<void>((enter) => this.queue.push({ bytes: taken, enter }));
    } else {
      this.freeBytes -= taken;
    }
    return () => this.give(taken);
  }

  private give(bytes: number): void {
    this.freeBytes += bytes;
    for (let next = this.queue[0]; next && next.bytes <= this.freeBytes; next = this.queue[0]) {
      this.freeBytes -= next.bytes;
      this.queue.shift();
      next.enter();
    }
  }
}
