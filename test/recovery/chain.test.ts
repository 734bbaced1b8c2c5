import { expect, test } from 'vitest';
import { type ChainLink, chainGaps } from '../../src/recovery/chain.ts';
import { parseExpectedHead } from '../../src/recovery/heads.ts';

const journal = (number: number, previous: number | null = number - 1 || null): ChainLink => ({
  number,
  sha256: `sha ${number}`,
  previousSha256: previous === null ? null : `sha ${previous}`,
  kind: 'journal',
  part: 1,
  last: true,
});
const part = (number: number, nth: number, last = false): ChainLink => ({
  ...journal(number),
  kind: 'checkpoint',
  part: nth,
  last,
});

test('a whole chain has no gap, also where a number was passed over', () => {
  expect(chainGaps([])).toEqual([]);
  expect(chainGaps([journal(1), journal(2), journal(3)])).toEqual([]);
  expect(chainGaps([journal(1), journal(3, 1), journal(4)])).toEqual([]);
});

test('a manifest whose predecessor is missing tells of a gap', () => {
  expect(chainGaps([journal(1), journal(4)])).toEqual([{ after: 1, before: 4, covered: false }]);
  expect(chainGaps([journal(3)])).toEqual([{ after: 0, before: 3, covered: false }]);
});

test('a complete checkpoint covers the gaps before it and none after it, with journals between its parts or not', () => {
  expect(chainGaps([journal(1), journal(3), part(4, 1), journal(5), part(6, 2, true), journal(8)])).toEqual([
    { after: 1, before: 3, covered: true },
    { after: 6, before: 8, covered: false },
  ]);
  // What is missing right before its first part is no part of it.
  expect(chainGaps([journal(1), part(3, 1, true)])).toEqual([{ after: 1, before: 3, covered: true }]);
});

test('a journal missing between the parts of a checkpoint is missing', () => {
  expect(chainGaps([part(1, 1), part(3, 2, true)])).toEqual([{ after: 1, before: 3, covered: false }]);
});

test('a checkpoint with a part missing covers nothing, whichever part is missing', () => {
  const gaps = (...links: ChainLink[]) => chainGaps([journal(1), journal(3), ...links])[0];
  expect(gaps(part(4, 1), part(6, 3, true))).toMatchObject({ before: 3, covered: false });
  expect(gaps(part(5, 2), part(6, 3, true))).toMatchObject({ before: 3, covered: false });
  expect(gaps(part(4, 1), part(5, 2))).toMatchObject({ before: 3, covered: false });
  // One that was given up and begun again.
  expect(gaps(part(4, 1), part(5, 2), part(6, 1), part(7, 2, true))).toMatchObject({ covered: true });
});

test('the oldest manifests may have gone, when the last but one checkpoint stands', () => {
  const links = [part(10, 1), part(11, 2, true), journal(12), part(13, 1), part(14, 2, true), journal(15)];
  expect(chainGaps(links)).toEqual([{ after: 0, before: 10, covered: true }]);
});

test('an expected head is a source, a number and perhaps a SHA-256', () => {
  const hex = 'ab'.repeat(32);
  expect(parseExpectedHead('documents=12')).toEqual(['documents', { number: 12 }]);
  expect(parseExpectedHead(`a=b=12:${hex}`)).toEqual(['a=b', { number: 12, sha256: hex }]);
  for (const wrong of ['documents', 'documents=', 'documents=0', 'documents=1:ab', '=1', 'documents=-1'])
    expect(() => parseExpectedHead(wrong)).toThrow('head is given as');
});
