import { describe, expect, test } from 'vitest';
import type { RetentionClass } from '../../src/domain/records.ts';
import {
  isMassChange,
  judgeVersion,
  neededLock,
  type RetainedEntry,
  type StandingVersion,
} from '../../src/domain/retention.ts';

const dayMs = 86_400_000;
const now = new Date('2026-06-01T00:00:00Z');
const ago = (days: number): Date => new Date(now.getTime() - days * dayMs);
const classes: Record<string, RetentionClass> = {
  short: { mode: 'GOVERNANCE', days: 7, versions: 3, minimumDays: 30, erasable: false },
  long: { mode: 'COMPLIANCE', days: 90, versions: 1, minimumDays: 0, erasable: false },
};
const entry: RetainedEntry = { isGone: false, isHeld: false, pinnedAt: null };

function judge(
  version: Partial<StandingVersion>,
  rank = 0,
  more: Partial<RetainedEntry> = {},
): ReturnType<typeof judgeVersion> {
  const whole = { id: 'v', retentionClass: 'short', observedAt: ago(500), supersededAt: null, ...version };
  return judgeVersion(whole, rank, { ...entry, ...more }, classes, now);
}

describe('a version', () => {
  test('that is what its file is now is kept for good, locked for the days of its class', () => {
    expect(judge({})).toEqual({ is: 'kept', because: 'head', floorDays: 7, until: null });
    expect(judge({ retentionClass: 'long' })).toMatchObject({ because: 'head', floorDays: 90 });
    expect(judge({}, 99)).toMatchObject({ because: 'head' });
  });

  test.each([
    [0, 'count'],
    [2, 'count'],
    [3, 'expired'],
  ])('that %i newer ones follow is kept by its place among them, or not: %s', (rank, expected) => {
    const verdict = judge({ supersededAt: ago(400) }, rank);
    expect(verdict.is === 'kept' ? verdict.because : verdict.is).toBe(expected);
    if (verdict.is === 'kept') expect(verdict).toMatchObject({ floorDays: null, until: null });
  });

  test.each([
    ['short', 29.99, 'age'],
    ['short', 30, 'expired'],
    ['long', 89.99, 'age'],
    ['long', 90, 'expired'],
  ])('of class %s, superseded %d days ago, beyond those to keep: %s', (retentionClass, days, expected) => {
    const verdict = judge({ retentionClass, supersededAt: ago(days) }, 9);
    expect(verdict.is === 'kept' ? verdict.because : verdict.is).toBe(expected);
    const until = new Date(ago(days).getTime() + (retentionClass === 'short' ? 30 : 90) * dayMs);
    if (verdict.is === 'kept') expect(verdict.until).toEqual(until);
  });

  test('of a file that is gone is kept for its time only, however few there are', () => {
    expect(judge({ supersededAt: ago(29) }, 0, { isGone: true })).toMatchObject({ because: 'age' });
    expect(judge({ supersededAt: ago(31) }, 0, { isGone: true })).toEqual({ is: 'expired' });
  });

  test('of an unknown class never expires, and is locked like its destination while it is the newest', () => {
    for (const retentionClass of [null, 'forgotten']) {
      expect(judge({ retentionClass })).toMatchObject({ because: 'head', floorDays: 'destination' });
      expect(judge({ retentionClass, supersededAt: ago(9_999) }, 99, { isGone: true })).toEqual({
        ...{ is: 'kept', because: 'unknown_class', floorDays: null, until: null },
      });
    }
  });

  test('under a legal hold stays and stays locked, whatever else is so', () => {
    expect(judge({ supersededAt: ago(999) }, 99, { isGone: true, isHeld: true })).toMatchObject({
      ...{ because: 'legal_hold', floorDays: 7 },
    });
  });

  test.each([
    ['stood at that moment', 20, 5, 'pinned'],
    ['came that very moment', 10, 5, 'pinned'],
    ['came later', 9, 5, 'expired'],
    ['was superseded before', 20, 11, 'expired'],
    ['was superseded at that moment', 20, 10, 'expired'],
  ])('that %s is pinned or not', (_, observed, superseded, expected) => {
    classes.none = { ...classes.short, minimumDays: 0, days: 1 } as RetentionClass;
    const version = { retentionClass: 'none', observedAt: ago(observed), supersededAt: ago(superseded) };
    const verdict = judge(version, 99, { pinnedAt: ago(10) });
    expect(verdict.is === 'kept' ? verdict.because : verdict.is).toBe(expected);
  });
});

describe('a lock', () => {
  test.each([
    [1, 2, 3],
    [7, 8, 10],
    [30, 31, 38],
    [365, 366, 373],
    [3_649, 3_650, 3_650],
    [3_650, 3_650, 3_650],
    [5_000, 5_000, 5_000],
  ])('for a floor of %i days is extended below %i, to %i', (floor, leastDays, extendToDays) => {
    expect(neededLock(floor)).toEqual({ leastDays, extendToDays });
  });

  test('never falls below its floor between daily runs', () => {
    for (let floor = 1; floor <= 3_649; floor++) {
      const { leastDays, extendToDays } = neededLock(floor);
      expect(leastDays - 1).toBeGreaterThanOrEqual(floor);
      expect(extendToDays).toBeGreaterThanOrEqual(leastDays);
      expect(extendToDays).toBeLessThanOrEqual(3_650);
    }
  });
});

test.each([
  [{ changed: 99, vanished: 0, entries: 100 }, false],
  [{ changed: 60, vanished: 40, entries: 499 }, true],
  [{ changed: 60, vanished: 40, entries: 500 }, false],
  [{ changed: 0, vanished: 101, entries: 500 }, true],
])('whether %o is a mass change: %s', (load, expected) => {
  expect(isMassChange(load, { share: 0.2, least: 100 })).toBe(expected);
});
