import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { rehashOf } from '../../src/sweep/rehash.ts';

const ids = Array.from({ length: 4_000 }, (_, index) => createHash('md5').update(`${index}`).digest('hex'));

test('each sweep takes about its share, and together they take every file once', () => {
  const takenBy = Array.from({ length: 20 }, (_, sweep) => ids.filter(rehashOf(0.05, sweep)));
  for (const taken of takenBy) expect(taken.length / ids.length).toBeCloseTo(0.05, 1);
  const counts = Map.groupBy(takenBy.flat(), (id) => id);
  expect(counts.size).toBe(ids.length);
  expect([...counts.values()].filter((taken) => taken.length > 1).length).toBeLessThan(20);
});

test('nothing is read again at 0 %, everything at 100 %', () => {
  expect(ids.filter(rehashOf(0, 7))).toEqual([]);
  expect(ids.filter(rehashOf(1, 7))).toEqual(ids);
});
