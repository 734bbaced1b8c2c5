/**
 * Lets a key through at most once per interval, and never forgets the last time it was held back: what comes too early
 * becomes due when the interval ends. Time is in milliseconds of any steady clock, given by the caller.
 */
export class RateGate {
  private readonly intervalMs: number;
  /** When each key may pass again, in that order, and whether it waits for it. */
  private readonly closed = new Map<string, { readonly opensAt: number; waiting: boolean }>();

  constructor(intervalMs = 1_000) {
    this.intervalMs = intervalMs;
  }

  /** True: pass now. False: it will be among {@link takeDue} once the interval has passed. */
  offer(key: string, nowMs: number): boolean {
    const gate = this.closed.get(key);
    if (gate && nowMs < gate.opensAt) {
      gate.waiting = true;
      return false;
    }
    this.close(key, nowMs);
    return true;
  }

  /** The keys that were held back and may pass now; they have passed with that. */
  takeDue(nowMs: number): string[] {
    const due: string[] = [];
    for (const [key, gate] of this.closed) {
      if (nowMs < gate.opensAt) break;
      this.closed.delete(key);
      if (gate.waiting) due.push(key);
    }
    for (const key of due) this.close(key, nowMs);
    return due;
  }

  private close(key: string, nowMs: number): void {
    this.closed.delete(key);
    this.closed.set(key, { opensAt: nowMs + this.intervalMs, waiting: false });
  }
}
