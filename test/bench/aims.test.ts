import { expect, test } from 'vitest';
import { aimsOf, type Row } from '../../bench/aims.ts';

const row = (facts: Partial<Row> & Pick<Row, 'case' | 'tool' | 'seconds'>): Row => ({
  ...{ round: 1, files: 100, filesPerSecond: 1, mbPerSecond: 1, cpuSeconds: 3, peakMemoryMb: 100 },
  ...{ cpuByProcess: { worker: 2, s3: 1 }, requests: 1, bytesStored: 1 },
  ...facts,
});
const ours = (seconds: number, facts: Partial<Row> = {}): Row =>
  row({ case: 'small', tool: 'holdfast', seconds, ...facts });
const restic = (seconds: number): Row => row({ case: 'small', tool: 'restic', seconds });
const aim = (rows: readonly Row[], id: string) => aimsOf(rows).find((one) => one.id === id);

test('an aim is the median of ours by the median of theirs', () => {
  const rows = [ours(9), ours(1), ours(3), restic(2), restic(4), restic(100)];
  expect(aim(rows, 'small-vs-restic')).toMatchObject({ ours: 3, theirs: 4, ratio: 0.75, met: true });
});

test('of an even number of rows the median lies between the two in the middle', () => {
  expect(aim([ours(9), ours(1), ours(3), ours(5), restic(2)], 'small-vs-restic')).toMatchObject({ ours: 4 });
});

test('what is just above its limit is missed', () => {
  expect(aim([ours(3), restic(2)], 'small-vs-restic')?.met).toBe(true);
  expect(aim([ours(3.01), restic(2)], 'small-vs-restic')?.met).toBe(false);
});

test('a void row tells nothing', () => {
  const rows = [ours(1, { void: 'restore gave other bytes back' }), ours(8), restic(2)];
  expect(aim(rows, 'small-vs-restic')?.ratio).toBe(4);
  expect(aim(rows.slice(0, 1).concat(restic(2)), 'small-vs-restic')).toBeUndefined();
});

test('an aim that nothing was measured for is not there', () => {
  expect(aimsOf([ours(1), restic(1)]).map(({ id }) => id)).toEqual(['small-vs-restic']);
});

test('the slowest of a hundred events of all rounds counts', () => {
  const event = (latencies: number[]): Row => row({ case: 'event', tool: 'holdfast', seconds: 9, latencies });
  const quick = Array.from({ length: 198 }, () => 0.5);
  expect(aim([event(quick), event([7, 6])], 'event-p99')).toMatchObject({ ratio: 0.5, met: true });
  expect(aim([event(quick), event([7, 6, 5.5])], 'event-p99')).toMatchObject({ ratio: 5.5, met: false });
});

test('memory is that of the largest process in any row', () => {
  const memory = (peakMemoryMb: number): Row =>
    row({ case: 'memory', tool: 'holdfast', seconds: 1, peakMemoryMb });
  expect(aim([memory(120), memory(401), memory(90)], 'memory')).toMatchObject({ ratio: 401, met: false });
});

test('an aim says which processes took the time, without the trifles', () => {
  const spent = { worker: 5, temporal: 0.01, postgres: 7 };
  const found = aim([ours(6, { cpuByProcess: spent, cpuSeconds: 12 }), restic(6)], 'small-vs-restic');
  expect(Object.entries(found?.cpuByProcess ?? {})).toEqual([
    ['postgres', 7],
    ['worker', 5],
  ]);
  expect(found?.busyCores).toBe(2);
});
