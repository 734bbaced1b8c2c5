/** Versions of one tool that were tested: from `from` on, below `below`. */
export interface TestedRange {
  readonly from: string;
  readonly below: string;
}

/** The first `1.2.3` in a program's own account of its version; undefined if there is none. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+/.exec(text)?.[0];
}

/** Whether `version` (three numbers) lies in `range`. */
export function isTested(version: string, range: TestedRange): boolean {
  return compare(version, range.from) >= 0 && compare(version, range.below) < 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const place of [0, 1, 2]) {
    const difference = (left?.[place] ?? 0) - (right?.[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
