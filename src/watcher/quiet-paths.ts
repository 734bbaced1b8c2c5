/** A path that was touched: by which events, is not asked; a look at it after it is quiet tells. */
interface Touched {
  readonly firstMs: number;
  lastMs: number;
}

/**
 * Touched paths that wait until nothing happened to them for a while. Pure: time is given by the caller, in
 * milliseconds of one clock. Keys are path bytes as one-byte characters.
 */
export class QuietPaths {
  private readonly quietMs: number;
  private readonly patienceMs: number;
  private readonly touched = new Map<string, Touched>();

  /** A path that never rests is due `patienceMs` after its first touch all the same. */
  constructor(quietMs: number, patienceMs: number) {
    this.quietMs = quietMs;
    this.patienceMs = patienceMs;
  }

  get size(): number {
    return this.touched.size;
  }

  touch(key: string, nowMs: number): void {
    const known = this.touched.get(key);
    if (known) known.lastMs = nowMs;
    else this.touched.set(key, { firstMs: nowMs, lastMs: nowMs });
  }

  /** Takes out what is due, at most `limit`, in the order of the first touch. */
  takeDue(nowMs: number, limit: number): { key: string; touchedMs: number }[] {
    const due: { key: string; touchedMs: number }[] = [];
    for (const [key, { firstMs, lastMs }] of this.touched) {
      if (due.length === limit) break;
      if (nowMs - lastMs < this.quietMs && nowMs - firstMs < this.patienceMs) continue;
      due.push({ key, touchedMs: lastMs });
      this.touched.delete(key);
    }
    return due;
  }

  clear(): void {
    this.touched.clear();
  }
}
