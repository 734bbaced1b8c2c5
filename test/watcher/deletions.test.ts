import { expect, test } from 'vitest';
import { allowsDeletion } from '../../src/watcher/deletions.ts';

test.each([
  // A small source: 49 may always go, the fiftieth only if that is at most a tenth.
  [{ deletedLately: 0, entries: 1 }, true],
  [{ deletedLately: 48, entries: 49 }, true],
  [{ deletedLately: 49, entries: 499 }, false],
  [{ deletedLately: 49, entries: 500 }, true],
  [{ deletedLately: 50, entries: 500 }, false],
  // A large one: never more than a thousand.
  [{ deletedLately: 999, entries: 1_000_000 }, true],
  [{ deletedLately: 1_000, entries: 1_000_000 }, false],
])('%j allows one more: %s', (load, allowed) => {
  expect(allowsDeletion(load)).toBe(allowed);
});
