import type { HoldTotals } from './held.ts';

const days = (seconds: number): number => Math.floor(seconds / 86_400);

/** What somebody has to know about what waits for decisions; nothing where all is well. */
export function holdWarnings({ impaired, turnedAway }: HoldTotals): string[] {
  return [
    ...(turnedAway === 0
      ? []
      : [
          `${turnedAway} files are not protected: the staging folder has no room to hold them. Decide what waits (holdfast hold list), or raise staging.quota.`,
        ]),
    ...(impaired === 0
      ? []
      : [
          `${impaired} held files cannot be released: their staged bytes are damaged, or their host does not answer. Seal them anew: holdfast hold reseal.`,
        ]),
  ];
}

/** How much waits, in one sentence; undefined where nothing does. */
export function holdSentence({ open, oldestSeconds }: HoldTotals): string | undefined {
  if (open === 0) return undefined;
  const since = days(oldestSeconds);
  const age = since === 0 ? 'less than a day' : `${since} days`;
  return `${open} held files wait for a decision, the oldest for ${age}: holdfast hold list`;
}
