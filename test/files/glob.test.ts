import { expect, test } from 'vitest';
import { globMatcher } from '../../src/files/glob.ts';

const matches = (pattern: string, path: string | Buffer): boolean =>
  globMatcher(pattern)(Buffer.from(path as string));

test.each([
  // A pattern without a slash is about the last name.
  ['a.odt', 'letters/2026/a.odt', true],
  ['*.odt', 'letters/a.odt', true],
  ['*.odt', 'a.odt.bak', false],
  ['*', '.hidden', true],
  ['letters', 'letters/a.odt', false],
  ['a?c', 'abc', true],
  ['a?c', 'a😀c', true],
  ['a?c', 'ac', false],
  // One with a slash about the whole path.
  ['letters/*.odt', 'letters/a.odt', true],
  ['letters/*.odt', 'old/letters/a.odt', false],
  ['letters/*.odt', 'letters/2026/a.odt', false],
  ['/a.odt', 'a.odt', true],
  ['/a.odt', 'letters/a.odt', false],
  ['letters/', 'letters', true],
  ['letters/**/*.odt', 'letters/a.odt', true],
  ['letters/**/*.odt', 'letters/2026/11/.a.odt', true],
  ['**/2026/*', 'letters/2026/a', true],
  ['**/2026/*', '2026/a', true],
  ['letters/**', 'letters/2026/a', true],
  ['letters/**', 'letters', false],
  ['letters/**', 'letters2/a', false],
  ['a**/b', 'axx/b', true],
  ['a**/b', 'a/x/b', false],
  // Sets and alternatives.
  ['scan[0-9].pdf', 'scan7.pdf', true],
  ['scan[!0-9].pdf', 'scan7.pdf', false],
  ['scan[^0-9].pdf', 'scanx.pdf', true],
  ['a/x[!y]z/b', 'a/x/z/b', false],
  ['[]]', ']', true],
  ['[\\^]', '^', true],
  ['*.{odt,ods}', 'a.ods', true],
  ['*.{odt,ods}', 'a.odg', false],
  ['{a,b{c,d}}', 'bd', true],
  ['{a/b,c}/d', 'a/b/d', true],
  // What is meant literally, or is no pattern.
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a{b', 'a{b', true],
  ['a}b', 'a}b', true],
  ['}{', '}{', true],
  ['\\\\{', '\\{', true],
  ['a{b}c}', 'abc}', true],
  ['a,b', 'a,b', true],
  ['a[b', 'a[b', true],
  ['a.b+(c)|$', 'a.b+(c)|$', true],
  ['a.c', 'abc', false],
  ['a*c', 'a\nc', true],
  ['a\\', 'a\\', true],
  ['A', 'a', false],
  // Accents, however stored.
  ['*été*', "l'e\u0301te\u0301", true],
  ['e\u0301', '\u00e9', true],
])('%j and %j: %j', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test('bytes that are not UTF-8 are a sign like any other', () => {
  const path = Buffer.from([0x61, 0xff, 0x62]);
  expect(matches('a?b', path)).toBe(true);
  expect(matches('a\ufffdb', path)).toBe(true);
  expect(matches('ab', path)).toBe(false);
});

test('a range the wrong way round is refused', () => {
  expect(() => globMatcher('[z-a]')).toThrow('[z-a] is no range');
  expect(matches('[a-]', '-')).toBe(true);
});
