/** What the bucket holds at most, so that after a pause no burst follows. Seconds of its rate. */
const burstSeconds = 0.25;
/** After this long whoever waits looks whether the rate has changed. Milliseconds. */
const longestWaitMs = 500;

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Lets bytes through at a rate, first come, first served, for all who share it. Pieces are let through whole and paid for
 * afterwards, so pieces should be small beside a second of the rate; the average is exact.
 */
export class TokenBucket {
  private readonly rate: () => number | undefined;
  private readonly queue: Waiting[] = [];
  /** What may go through now; below 0 while the last piece is being paid for. Bytes. */
  private tokens = 0;
  private filledAtMs = performance.now();
  private timer: NodeJS.Timeout | undefined;

  /** @param rate bytes per second above 0, asked again and again; undefined: no limit */
  constructor(rate: () => number | undefined) {
    this.rate = rate;
  }

  /** Resolves when the bytes may go. Rejects with the signal's reason when that is aborted first. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.queue.length === 0 && this.pay(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(signal?.reason);
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const waiting: Waiting = { bytes, enter };
      signal?.addEventListener('abort', leave, { once: true });
      this.queue.push(waiting);
      this.timer ??= setTimeout(() => this.serve(), this.waitMs());
    });
  }

  private serve(): void {
    this.timer = undefined;
    for (let first = this.queue[0]; first !== undefined && this.pay(first.bytes); first = this.queue[0]) {
      this.queue.shift();
      first.enter();
    }
    if (this.queue.length > 0) this.timer = setTimeout(() => this.serve(), this.waitMs());
  }

  /** Whether the bytes may go now; takes them if so. */
  private pay(bytes: number): boolean {
    const rate = this.rate();
    const now = performance.now();
    const elapsedSeconds = (now - this.filledAtMs) / 1_000;
    this.filledAtMs = now;
    if (rate === undefined) {
      this.tokens = 0;
      return true;
    }
    this.tokens = Math.min(this.tokens + elapsedSeconds * rate, burstSeconds * rate);
    if (this.tokens < 0) return false;
    this.tokens -= bytes;
    return true;
  }

  private waitMs(): number {
    const rate = this.rate();
    if (rate === undefined) return 0;
    return Math.min(Math.ceil((-this.tokens / rate) * 1_000), longestWaitMs);
  }
}
