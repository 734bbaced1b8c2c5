import type { ManifestHead } from '../manifest/records.ts';

/** What the order of manifests follows from. */
export type ChainLink = Pick<ManifestHead, 'number' | 'previousSha256' | 'kind' | 'last'> & {
  /** Of a checkpoint, from 1; 1 for a journal. */
  readonly part: number;
  /** Of the manifest's bytes, hex. */
  readonly sha256: string;
};

/** One or more manifests are missing between two that are there. */
export interface ChainGap {
  /** Number of the newest one below the gap; 0 where there is none. */
  readonly after: number;
  /** Number of the one whose predecessor is missing. */
  readonly before: number;
  /** A complete checkpoint comes later, so that nothing of the present state is missing for it. */
  readonly covered: boolean;
}

/**
 * The gaps in a source's chain of manifests, which are given by ascending number. Numbers may be passed over, because
 * somebody else's object can take a name; what counts is the SHA-256 that each manifest gives of the one before it.
 * docs/format.md section 6.3.
 */
export function chainGaps(links: readonly ChainLink[]): ChainGap[] {
  const known = new Set(links.map(({ sha256 }) => sha256));
  const gaps: { after: number; before: number; covered: boolean }[] = [];
  let after = 0;
  /** The checkpoint whose parts have all been met so far. */
  let checkpoint: { readonly first: number; nextPart: number } | undefined;
  for (const { number, previousSha256, kind, part, last } of links) {
    if (previousSha256 !== null && !known.has(previousSha256)) {
      gaps.push({ after, before: number, covered: false });
    }
    after = number;
    if (kind === 'journal') continue;
    if (part === 1) checkpoint = { first: number, nextPart: 2 };
    else if (part === checkpoint?.nextPart) checkpoint.nextPart++;
    else checkpoint = undefined;
    if (!last || checkpoint === undefined) continue;
    for (const gap of gaps) gap.covered ||= gap.before <= checkpoint.first;
  }
  return gaps;
}
