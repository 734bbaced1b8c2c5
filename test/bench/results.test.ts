import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { aimsOf } from '../../bench/aims.ts';
import { chart } from '../../bench/chart.ts';
import { aimsTable, performanceTables, type Results, withMeasured } from '../../bench/tables.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const results = JSON.parse(read('bench/results/latest.json')) as Results;

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
