import type { ManifestHead } from '../manifest/records.ts';

/** What the order of manifests follows from. */
export type ChainLink = Pick<ManifestHead, 'number' | 'previousSha256' | 'kind' | 'last'> & {
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
 * docs/format.md sections 6.3 and 6.5.
 */
export function chainGaps(links: readonly ChainLink[]): ChainGap[] {
  const bySha256 = new Map(links.map((link) => [link.sha256, link]));
  const gaps: { after: number; before: number; covered: boolean }[] = [];
  let after = 0;
  /** Whether every part so far of the checkpoint that is being read is there. */
  let wholeSoFar = false;
  for (const link of links) {
    const previous = link.previousSha256 === null ? undefined : bySha256.get(link.previousSha256);
    const isLinked = link.previousSha256 === null || previous !== undefined;
    if (!isLinked) gaps.push({ after, before: link.number, covered: false });
    if (previous === undefined || previous.last) wholeSoFar = isLinked;
    if (link.kind === 'checkpoint' && link.last && wholeSoFar) for (const gap of gaps) gap.covered = true;
    after = link.number;
  }
  return gaps;
}
