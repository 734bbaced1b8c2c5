import { expect, test } from 'vitest';
import { QuietPaths } from '../../src/watcher/quiet-paths.ts';

test('a path is due when it was quiet, once', () => {
  const paths = new QuietPaths(200, 5_000);
  paths.touch('a', 0);
  paths.touch('b', 50);
  paths.touch('a', 100);
  expect(paths.takeDue(199, 10)).toEqual([]);
  expect(paths.takeDue(250, 10)).toEqual([{ key: 'b', touchedMs: 50 }]);
  expect(paths.takeDue(300, 10)).toEqual([{ key: 'a', touchedMs: 100 }]);
  expect(paths.takeDue(9_999, 10)).toEqual([]);
});

test('a path that never rests is due in the end', () => {
  const paths = new QuietPaths(200, 1_000);
  const due: number[] = [];
  for (let nowMs = 0; nowMs <= 2_500; nowMs += 50) {
    paths.touch('a', nowMs);
    if (paths.takeDue(nowMs, 10).length > 0) due.push(nowMs);
  }
  expect(due).toEqual([1_000, 2_050]);
});

test('no more than the limit at once, oldest first', () => {
  const paths = new QuietPaths(0, 0);
  for (const key of ['c', 'a', 'b']) paths.touch(key, 0);
  expect(paths.takeDue(0, 2).map(({ key }) => key)).toEqual(['c', 'a']);
  expect(paths.takeDue(0, 2).map(({ key }) => key)).toEqual(['b']);
});
