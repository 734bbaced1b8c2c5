import { expect, test } from 'vitest';
import { aimsOf, type Row } from '../../bench/aims.ts';
import { aimsTable, performanceTables, type Results, withMeasured } from '../../bench/tables.ts';

const row = (facts: Partial<Row> & Pick<Row, 'case' | 'tool' | 'seconds'>): Row => ({
  ...{ round: 1, files: 1_000, filesPerSecond: 250, mbPerSecond: 12.34, cpuSeconds: 6, peakMemoryMb: 99.6 },
  ...{ cpuByProcess: { worker: 4, s3: 2 }, requests: 7, bytesStored: 5_500_000 },
  ...facts,
});

const measured = (rows: readonly Row[]): Results => ({
  quick: true,
  machine: {
    ...{ date: '2026-01-02T03:04:05.000Z', cores: 2, processor: 'Some CPU', memoryBytes: 1, node: 'v24.0.0' },
    ...{ kernel: '6.1', fileSystem: '0xef53', signatureSet: 'builtin-test' },
  },
  aims: aimsOf(rows),
  rows,
});

test('an aim has a line with both medians, their ratio and whether that is enough', () => {
  const text = aimsTable(
    measured([
      row({ case: 'large', tool: 'holdfast', seconds: 6 }),
      row({ case: 'large', tool: 'restic', seconds: 5 }),
    ]),
  );
  expect(text).toContain(
    '| `large` | the binaries without scan, against restic | 6 | 5 | 1.2 | 1 | **no** |',
  );
  expect(text).toContain('2 cores (Some CPU), Linux 6.1, Node v24.0.0, 2026-01-02, `--quick`.');
});

test('what is void is named, and left out of every number', () => {
  const text = performanceTables(
    measured([
      row({ case: 'large', tool: 'holdfast', seconds: 1, round: 1, void: 'restore gave back other bytes' }),
      row({ case: 'large', tool: 'holdfast', seconds: 8, round: 2 }),
      row({ case: 'large', tool: 'restic', seconds: 10 }),
    ]),
  );
  expect(text).toContain('could not be verified or restored: large in round 1.');
  expect(text).toContain('| `large` | holdfast | 1 | 8 | 250 | 12.3 | 6 | 99.6 | 7 | 5.5 |');
  expect(text).toContain('| `large` | yes | 0.8 of 2 | worker 4, s3 2 |');
});

test('memory has a line for each size', () => {
  const text = performanceTables(
    measured([
      row({ case: 'memory', tool: 'holdfast', seconds: 20, files: 10_000, what: 'first' }),
      row({ case: 'memory', tool: 'holdfast', seconds: 9, files: 20_000, what: 'unchanged', void: '?' }),
    ]),
  );
  expect(text).toContain('| first | 10000 | 20 | 0.6 | 99.6 |');
  expect(text).not.toContain('| unchanged | 20000 |');
  expect(text).not.toContain('| `memory` | holdfast |');
});

test('only what is between the marks is written', () => {
  const page = 'Before.\n<!-- measured: written by npm run bench -->\nold\n<!-- /measured -->\nAfter.\n';
  expect(withMeasured(page, 'new')).toBe(page.replace('old', 'new'));
  expect(() => withMeasured('no marks', 'new')).toThrow('has no');
});
