import { describe, expect, test } from 'vitest';
import { bytes, printable, table } from '../../src/cli/output.ts';
import { countOutcomes, worstFirst } from '../../src/cli/rows.ts';
import { parseTarget } from '../../src/cli/target.ts';
import { outcomes } from '../../src/domain/records.ts';

describe('printable', () => {
  test.each([
    ['plain ü 😀 name', 'plain ü 😀 name'],
    ['two\nlines', 'two\\x0alines'],
    ['\x1b[2J\x07clear', '\\x1b[2J\\x07clear'],
    ['\x00\x7f\x9b', '\\x00\\x7f\\x9b'],
    ['photo\u202egpj.exe', 'photo\\u{202e}gpj.exe'],
    ['a\u2028b\u2066c', 'a\\u{2028}b\\u{2066}c'],
    ['\t', '\\x09'],
  ])('%j is shown as %j', (name, shown) => {
    expect(printable(name)).toBe(shown);
  });
});

test('bytes are told in units of 1024', () => {
  expect([0, 1023, 1024, 1536, 5 * 1024 ** 4, 3 * 1024 ** 6].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '5.0 TiB',
    '3072.0 PiB',
  ]);
});

test('columns are as wide as their widest cell, numbers to the right, without blanks at the end', () => {
  expect(
    table(
      [
        ['a', '1', ''],
        ['long', '200', 'x'],
      ],
      [1],
    ),
  ).toBe('a       1\nlong  200  x');
});

test('a target is a source, or a path in one as it was printed', () => {
  expect(parseTarget('docs')).toEqual({ source: 'docs' });
  expect(parseTarget('docs:')).toEqual({ source: 'docs' });
  expect(parseTarget('docs:/a/b/')).toEqual({ source: 'docs', path: Buffer.from('a/b') });
  expect(parseTarget('docs:a:b')).toEqual({ source: 'docs', path: Buffer.from('a:b') });
});

test('rows come worst first, then by source and path; what has no outcome yet comes last', () => {
  const row = (outcome: (typeof outcomes)[number] | null, path = 'a', source = 's') =>
    ({ outcome, path, source }) as Parameters<typeof worstFirst>[0];
  const sorted = [...outcomes].map((outcome) => row(outcome));
  const shuffled = [row(null), ...sorted.toReversed(), row('failed', 'b'), row('failed', 'a', 'r')];
  expect(shuffled.sort(worstFirst)).toEqual([
    row('failed', 'a', 'r'),
    row('failed'),
    row('failed', 'b'),
    ...sorted.slice(1),
    row(null),
  ]);
});

test('outcomes are counted worst first, and only those that occur', () => {
  const rows = [
    { outcome: 'uploaded' },
    { outcome: null },
    { outcome: 'failed' },
    { outcome: 'uploaded' },
  ] as const;
  expect(Object.entries(countOutcomes(rows))).toEqual([
    ['failed', 1],
    ['uploaded', 2],
    ['pending', 1],
  ]);
});
