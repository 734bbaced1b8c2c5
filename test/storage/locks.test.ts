import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Lock, LockMode } from '../../src/domain/records.ts';
import { compositeSha256, extension, lockFrom, satisfies } from '../../src/storage/locks.ts';

const lock = (mode: LockMode, time: string): Lock => ({ mode, retainUntil: new Date(`2030-01-01T${time}Z`) });

test('a lock counts whole days from now and ends on the next whole second', () => {
  const now = new Date('2030-01-01T10:00:00.001Z');
  expect(lockFrom(now, { mode: 'COMPLIANCE', days: 30 })).toEqual({
    mode: 'COMPLIANCE',
    retainUntil: new Date('2030-01-31T10:00:01.000Z'),
  });
  expect(lockFrom(new Date('2030-01-01T10:00:00Z'), { mode: 'GOVERNANCE', days: 1 }).retainUntil).toEqual(
    new Date('2030-01-02T10:00:00Z'),
  );
});

test.each([0, -1, 1.5, Number.NaN])('a lock of %d days is a defect', (days) => {
  expect(() => lockFrom(new Date(), { mode: 'GOVERNANCE', days })).toThrow(RangeError);
});

const table: [string, Lock | undefined, Lock, Lock | undefined][] = [
  ['none present', undefined, lock('GOVERNANCE', '10:00:00'), lock('GOVERNANCE', '10:00:00')],
  ['same', lock('GOVERNANCE', '10:00:00'), lock('GOVERNANCE', '10:00:00'), undefined],
  ['shorter', lock('GOVERNANCE', '10:00:00'), lock('GOVERNANCE', '01:00:00'), undefined],
  ['a second under an hour more', lock('GOVERNANCE', '10:00:00'), lock('GOVERNANCE', '10:59:59'), undefined],
  [
    'an hour more',
    lock('GOVERNANCE', '10:00:00'),
    lock('GOVERNANCE', '11:00:00'),
    lock('GOVERNANCE', '11:00:00'),
  ],
  [
    'weaker, longer',
    lock('COMPLIANCE', '10:00:00'),
    lock('GOVERNANCE', '12:00:00'),
    lock('COMPLIANCE', '12:00:00'),
  ],
  ['weaker, shorter', lock('COMPLIANCE', '10:00:00'), lock('GOVERNANCE', '08:00:00'), undefined],
  [
    'stronger, longer',
    lock('GOVERNANCE', '10:00:00'),
    lock('COMPLIANCE', '12:00:00'),
    lock('COMPLIANCE', '12:00:00'),
  ],
  [
    'stronger, shorter',
    lock('GOVERNANCE', '10:00:00'),
    lock('COMPLIANCE', '08:00:00'),
    lock('COMPLIANCE', '10:00:00'),
  ],
];
test.each(table)('extending to a lock that is %s', (_, present, wanted, asked) => {
  expect(extension(present, wanted)).toEqual(asked);
});

test.each([
  ['same', lock('GOVERNANCE', '10:00:00'), lock('GOVERNANCE', '10:00:00'), true],
  ['stronger and longer', lock('COMPLIANCE', '10:00:01'), lock('GOVERNANCE', '10:00:00'), true],
  ['a second short', lock('COMPLIANCE', '09:59:59'), lock('GOVERNANCE', '10:00:00'), false],
  ['weaker', lock('GOVERNANCE', '12:00:00'), lock('COMPLIANCE', '10:00:00'), false],
  ['absent', undefined, lock('GOVERNANCE', '10:00:00'), false],
] as const)('a lock that is %s satisfies what is wanted or not', (_, present, wanted, expected) => {
  expect(satisfies(present, wanted)).toBe(expected);
});

test('the composite checksum is the SHA-256 of the parts’ SHA-256', () => {
  const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest();
  const [a, b] = [sha256('a'), sha256('b')];
  expect(compositeSha256([{ sha256: a }, { sha256: b }])).toEqual(sha256(Buffer.concat([a, b])));
});
