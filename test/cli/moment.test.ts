import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMoment } from '../../src/cli/moment.ts';
import { localTime } from '../../src/cli/output.ts';
import { isFailure } from '../../src/domain/failures.ts';

const now = new Date('2026-11-23T09:15:30.500Z');
const zone = process.env.TZ;

const utc = (text: string): string => parseMoment(text, now).toISOString();

beforeAll(() => {
  process.env.TZ = 'Europe/Paris';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe('a time of the command line', () => {
  test.each([
    ['now', '2026-11-23T09:15:30.500Z'],
    ['2d', '2026-11-21T09:15:30.500Z'],
    ['3h', '2026-11-23T06:15:30.500Z'],
    ['30m', '2026-11-23T08:45:30.500Z'],
    ['90s ago', '2026-11-23T09:14:00.500Z'],
    ['1w', '2026-11-16T09:15:30.500Z'],
    // A date is the end of that day, here and not in Greenwich, in summer as in winter.
    ['2026-11-20', '2026-11-20T22:59:59.999Z'],
    ['2026-07-20', '2026-07-20T21:59:59.999Z'],
    ['2026-11-23', '2026-11-23T22:59:59.999Z'],
    ['2026-11-20T14:05', '2026-11-20T13:05:59.999Z'],
    ['2026-11-20 14:05:09', '2026-11-20T13:05:09.999Z'],
    ['2026-11-20T14:05:09.25', '2026-11-20T13:05:09.250Z'],
    ['2026-11-20T14:05:09.123456789Z', '2026-11-20T14:05:09.123Z'],
    ['2026-11-20T14:05Z', '2026-11-20T14:05:59.999Z'],
    ['2026-11-20T14:05:09-0330', '2026-11-20T17:35:09.999Z'],
    ['2026-11-20T14:05:09+05', '2026-11-20T09:05:09.999Z'],
    [' 2026-11-20 14:05:09 +01:00 ', '2026-11-20T13:05:09.999Z'],
    // The hour that was there twice, and the one that never was.
    ['2026-10-25T02:30:00.000', '2026-10-25T00:30:00.000Z'],
    ['2026-03-29T02:30:00.000', '2026-03-29T01:30:00.000Z'],
  ])('%s', (text, expected) => {
    expect(utc(text)).toBe(expected);
  });

  test.each([
    ['2026-11-20', '2026-11-19T23:00:00.000Z'],
    ['2026-11-20T14:05', '2026-11-20T13:05:00.000Z'],
    ['2026-11-20 14:05:09 +01:00', '2026-11-20T13:05:09.000Z'],
    ['2d', '2026-11-21T09:15:30.500Z'],
  ])('where a time begins: %s', (text, expected) => {
    expect(parseMoment(text, now, 'beginning').toISOString()).toBe(expected);
  });

  test('as other commands print it counts what happened within that second', () => {
    const at = new Date('2026-11-20T13:05:09.734Z');
    expect(parseMoment(localTime(at), now).getTime()).toBeGreaterThanOrEqual(at.getTime());
  });

  test.each([
    '',
    'yesterday',
    '2026',
    '2026-11',
    '2026-02-30',
    '2026-13-01',
    '2026-11-20T24:00',
    '2026-11-20T14',
    '2026-11-20T14:60',
    '2026-11-20Z',
    '2026-11-20T14:05+25:00',
    '20.11.2026',
    '3months',
    '-2d',
    '1e3d',
  ])('%j is refused, with what is accepted', (text) => {
    expect(() => parseMoment(text, now)).toThrow(/is no time\..*2026-11-20.*30m/s);
    try {
      parseMoment(text, now);
    } catch (error) {
      expect(isFailure(error, 'usage')).toBe(true);
    }
  });

  test('a year mistyped into the future is refused', () => {
    expect(() => parseMoment('2062-11-20', now)).toThrow('lies in the future');
  });
});
