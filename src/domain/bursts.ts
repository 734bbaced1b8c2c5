/** So many within a time are no accident. */
export interface BurstLimit {
  readonly count: number;
  readonly withinMs: number;
}

export interface Burst {
  /** Milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** How many there were from the first to the last. */
  readonly count: number;
}

/** The bursts among moments in any order, in milliseconds since 1970: stretches in which every run of `count` lies within the time. */
export function burstsOf(momentsMs: readonly number[], { count, withinMs }: BurstLimit): Burst[] {
  const sorted = momentsMs.toSorted((a, b) => a - b);
  const bursts: { first: number; last: number }[] = [];
  for (let last = count - 1; last < sorted.length; last++) {
    const first = last - count + 1;
    if ((sorted[last] ?? 0) - (sorted[first] ?? 0) > withinMs) continue;
    const newest = bursts.at(-1);
    if (newest !== undefined && newest.last >= first) newest.last = last;
    else bursts.push({ first, last });
  }
  return bursts.map(({ first, last }) => ({
    firstMs: sorted[first] ?? 0,
    lastMs: sorted[last] ?? 0,
    count: last - first + 1,
  }));
}
