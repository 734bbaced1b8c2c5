import { expect, test } from 'vitest';
import { RateGate } from '../../src/watcher/rate-gate.ts';

test('one passes per interval, and the last one held back comes when it ends', () => {
  const gate = new RateGate(1_000);
  expect(gate.offer('a', 0)).toBe(true);
  expect(gate.offer('a', 1)).toBe(false);
  expect(gate.offer('a', 999)).toBe(false);
  expect(gate.offer('b', 500)).toBe(true);
  expect(gate.takeDue(999)).toEqual([]);
  expect(gate.takeDue(1_000)).toEqual(['a']);
  // What came due has passed: it closes the gate again.
  expect(gate.offer('a', 1_500)).toBe(false);
  expect(gate.takeDue(1_600)).toEqual([]);
  expect(gate.takeDue(2_000)).toEqual(['a']);
  expect(gate.takeDue(9_000)).toEqual([]);
  expect(gate.offer('a', 9_001)).toBe(true);
});

test('a storm of 10,000 events in ten seconds passes eleven times', () => {
  const gate = new RateGate(1_000);
  let passed = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs++) {
    if (gate.offer('a', nowMs)) passed++;
    passed += gate.takeDue(nowMs).length;
  }
  passed += gate.takeDue(20_000).length;
  expect(passed).toBe(11);
});
