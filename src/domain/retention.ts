/** What becomes of an entry's versions, and how long what they rest on is locked. No I/O, safe inside the workflow sandbox. */
import type { Id, RetentionClass } from './records.ts';

/** The clocks of this machine, the catalog and a destination may differ by so much; locks are not touched beyond it. */
export const mostClockSkewMs = 2 * 60_000;

const dayMs = 86_400_000;

/** A version that rests on an object. */
export interface StandingVersion {
  readonly id: Id;
  /** Name of its class; null where none is known, as of what was adopted from the bucket. */
  readonly retentionClass: string | null;
  readonly observedAt: Date;
  /** When a newer protected version, or the entry's deletion, took its place; null while it is what the entry is. */
  readonly supersededAt: Date | null;
}

/** What is known of the entry that the versions are of. */
export interface RetainedEntry {
  /** It was deleted from its source. */
  readonly isGone: boolean;
  /** A legal hold covers it. */
  readonly isHeld: boolean;
  /** Of its source: what stood at this moment is kept. */
  readonly pinnedAt: Date | null;
}

/** Why a version is kept, the strongest reason first. */
export type KeptBecause = 'legal_hold' | 'pinned' | 'head' | 'unknown_class' | 'count' | 'age';

/**
 * - `floorDays`: how long its objects must stay locked, counted from now; null: the lock they have may run out.
 *   `destination`: as long as the destination locks everything.
 * - `until`: when it expires if nothing changes; null where no date is known.
 */
export type Verdict =
  | {
      readonly is: 'kept';
      readonly because: KeptBecause;
      readonly floorDays: number | 'destination' | null;
      readonly until: Date | null;
    }
  | { readonly is: 'expired' };

/**
 * What becomes of one version.
 *
 * What an entry is now is kept for good. Of what it was, the newest `versions` are kept (that one counted), and every
 * one for at least `days` and `minimumDays` after something took its place: so each state of that time can be restored.
 * Of an entry that is gone only the time counts.
 *
 * @param rank how many newer versions of the entry rest on an object
 */
export function judgeVersion(
  version: StandingVersion,
  rank: number,
  entry: RetainedEntry,
  classes: Readonly<Record<string, RetentionClass>>,
  now: Date,
): Verdict {
  const known = version.retentionClass === null ? undefined : classes[version.retentionClass];
  const kept = (because: KeptBecause, isLocked: boolean, until: Date | null = null): Verdict => ({
    is: 'kept',
    because,
    floorDays: isLocked ? (known?.days ?? 'destination') : null,
    until,
  });
  if (entry.isHeld) return kept('legal_hold', true);
  if (isPinned(version, entry)) return kept('pinned', true);
  if (version.supersededAt === null) return kept('head', true);
  if (known === undefined) return kept('unknown_class', false);
  if (!entry.isGone && rank < known.versions) return kept('count', false);
  const until = new Date(version.supersededAt.getTime() + Math.max(known.days, known.minimumDays) * dayMs);
  return until > now ? kept('age', false, until) : { is: 'expired' };
}

/** Whether the version was what its entry was at the moment that is pinned. */
function isPinned({ observedAt, supersededAt }: StandingVersion, { pinnedAt }: RetainedEntry): boolean {
  if (pinnedAt === null || observedAt > pinnedAt) return false;
  return supersededAt === null || supersededAt > pinnedAt;
}

/** What a floor asks of a lock now. Days are counted from now by the destination's clock. */
export interface NeededLock {
  /** A lock that ends earlier is extended … */
  readonly leastDays: number;
  /** … to this. */
  readonly extendToDays: number;
}

/** Time between two runs that a lock must outlast above its floor. */
const betweenRunsDays = 1;
/** IAM policies of ours let nobody lock for longer. */
const mostDays = 3_650;

/**
 * A lock is extended when less than the floor and a day are left, and then by some days more, a week at most: so it never
 * falls below the floor between daily runs, and each object costs one request a week, not one a day.
 */
export function neededLock(floorDays: number): NeededLock {
  const leastDays = floorDays + betweenRunsDays;
  const slackDays = Math.min(7, Math.max(1, Math.ceil(floorDays / 4)));
  const most = Math.max(mostDays, floorDays);
  return {
    leastDays: Math.min(leastDays, most),
    extendToDays: Math.min(leastDays + slackDays, most),
  };
}

/** How much of a source changed within a time. */
export interface ChangeLoad {
  /** Files whose content changed. */
  readonly changed: number;
  /** Entries that are gone. */
  readonly vanished: number;
  /** Entries that stood before. */
  readonly entries: number;
}

export interface MassChangeLimits {
  /** More than this share of the entries, 0 to 1, … */
  readonly share: number;
  /** … and at least so many. */
  readonly least: number;
}

/** Whether so much changed or went away at once that it may be an attack. */
export function isMassChange({ changed, vanished, entries }: ChangeLoad, limits: MassChangeLimits): boolean {
  const count = changed + vanished;
  return count >= limits.least && count > entries * limits.share;
}
