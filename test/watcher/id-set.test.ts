import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { IdSet } from '../../src/watcher/id-set.ts';

const id = (label: string): string => createHash('md5').update(label).digest('hex');

test('a set of ids knows what was added, and nothing else, however much it grows', () => {
  const set = new IdSet();
  for (let i = 0; i < 5_000; i++) {
    set.add(id(`in ${i}`));
    set.add(id(`in ${i}`));
  }
  for (let i = 0; i < 5_000; i++) {
    expect(set.has(id(`in ${i}`))).toBe(true);
    expect(set.has(id(`out ${i}`))).toBe(false);
  }
});

test('ids that differ in one digit are told apart, and so are those that begin alike', () => {
  const set = new IdSet();
  const first = '00000001000000000000000000000000';
  set.add(first);
  for (const other of [
    '00000001000000000000000000000001',
    '00000001000000010000000000000000',
    '00000401000000000000000000000000',
  ]) {
    expect(set.has(other)).toBe(false);
    set.add(other);
    expect(set.has(other)).toBe(true);
  }
  expect(set.has(first)).toBe(true);
});
