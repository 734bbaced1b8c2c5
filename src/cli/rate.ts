/** How far back the rate of now looks. */
const windowMs = 10_000;

/** How fast a count has been growing lately. */
export class Rate {
  private readonly samples: { readonly atMs: number; readonly count: number }[];

  constructor(nowMs: number) {
    this.samples = [{ atMs: nowMs, count: 0 }];
  }

  /** Takes the count as it is now and gives its growth per second over the last ten seconds. */
  perSecond(count: number, nowMs: number): number {
    this.samples.push({ atMs: nowMs, count });
    while (this.samples.length > 2 && nowMs - (this.samples[1]?.atMs ?? nowMs) >= windowMs)
      this.samples.shift();
    const oldest = this.samples[0] ?? { atMs: nowMs, count };
    const elapsedMs = Math.max(nowMs - oldest.atMs, 1);
    return Math.max(((count - oldest.count) * 1_000) / elapsedMs, 0);
  }
}
