import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { aimsOf } from '../../bench/aims.ts';
import { chart } from '../../bench/chart.ts';
import { aimsTable, performanceTables, type Results, withMeasured } from '../../bench/tables.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const results = JSON.parse(read('bench/results/latest.json')) as Results;

/** Every comparison by its case, with whom Holdfast is compared in it. */
const compared = {
  'small-scan': ['clamdscan+restic'],
  small: ['restic', 'rclone'],
  'large-scan': ['clamdscan+restic'],
  large: ['restic'],
  unchanged: ['restic'],
};
/** What is promised: id, and the most that counts as met. */
const targets = {
  'small-scan': 1,
  'small-vs-restic': 1.5,
  'small-vs-rclone': 0.33,
  'large-scan': 1,
  large: 1,
  unchanged: 1,
  'event-p99': 5,
  memory: 400,
};

test('each case has at least three runs of each tool, which take turns', () => {
  const runs = (name: string, tool: string): number[] =>
    results.rows.filter((row) => row.case === name && row.tool === tool).map(({ round }) => round);
  for (const [name, others] of Object.entries(compared)) {
    const own = runs(name, 'holdfast');
    expect(own.length).toBeGreaterThanOrEqual(3);
    for (const tool of others) expect(runs(name, tool)).toEqual(own);
  }
  expect(runs('event', 'holdfast').length).toBeGreaterThanOrEqual(1);
  // In turns: all of a round come before the next one, and not always in the same order.
  const small = results.rows.filter((row) => row.case === 'small');
  expect(small.map(({ round }) => round)).toEqual(small.map(({ round }) => round).toSorted());
  const orders = Object.values(Object.groupBy(small, ({ round }) => round)).map((round) =>
    round?.map(({ tool }) => tool).join(),
  );
  expect(new Set(orders).size).toBeGreaterThan(1);
});

test('each row has what was measured as numbers, under the names that are promised', () => {
  const numbers = [
    'seconds',
    'filesPerSecond',
    'mbPerSecond',
    'cpuSeconds',
    'peakMemoryMb',
    'requests',
    'bytesStored',
  ];
  for (const row of results.rows) {
    expect([...Object.keys(compared), 'event', 'memory']).toContain(row.case);
    expect(['holdfast', 'restic', 'rclone', 'clamdscan+restic']).toContain(row.tool);
    for (const name of numbers) expect(row).toHaveProperty(name, expect.any(Number));
  }
});

test('memory is measured from ten thousand files to a million, and at 20 GB', () => {
  const rows = results.rows.filter((row) => row.case === 'memory' && row.void === undefined);
  const measured = rows.map(({ what, files }) => `${what} ${files}`);
  for (const files of [10_000, 100_000, 1_000_000])
    expect(measured).toEqual(expect.arrayContaining([`first ${files}`, `unchanged ${files}`]));
  expect(rows.find(({ what }) => what === 'sparse')).toMatchObject({ files: 1 });
});

test('the aims are those that are promised, against what is promised', () => {
  const stated = results.aims.map(({ id, target }) => [id, target]);
  expect(stated).toEqual(Object.entries(targets));
  for (const { ratio, target, met } of results.aims) expect(met).toBe(ratio <= target);
});

test('the aims are what the rows beside them say', () => {
  expect(results.aims).toEqual(aimsOf(results.rows));
});

test.each([
  ['README.md', aimsTable],
  ['docs/performance.md', performanceTables],
])('%s says what was measured, and nothing else', (file, table) => {
  const text = read(file);
  expect(text).toBe(withMeasured(text, table(results)));
});

test('the picture shows the aims', () => {
  expect(read('bench/results/latest.svg')).toBe(chart(results.aims));
});
