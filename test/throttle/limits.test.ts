import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseRate, rateText } from '../../src/throttle/rate.ts';
import { TokenBucket } from '../../src/throttle/token-bucket.ts';
import { limitAt, UploadLimit } from '../../src/throttle/upload-limit.ts';
import { parseDays, parseMinute, type RateWindow, windowAt } from '../../src/throttle/windows.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('a rate', () => {
  test.each([
    ['2Mbit', 250_000],
    ['2 Mbit/s', 250_000],
    ['2Mb/s', 250_000],
    ['128kbit', 16_000],
    ['512KiB', 524_288],
    ['1.5MiB/s', 1_572_864],
    ['1MB/s', 1_000_000],
    ['65536B', 65_536],
  ])('%s is %i bytes a second', (text, expected) => {
    expect(parseRate(text)).toBe(expected);
  });

  test.each(['2Mb', '2mbit', '2', 'fast', '-1MiB', '1KiB', '', '1e9MiB', '2MB'])('"%s" is none', (text) => {
    expect(parseRate(text)).toBeUndefined();
  });

  test('is told in both ways of counting', () => {
    expect(rateText(262_144)).toBe('256 KiB/s (2.1 Mbit/s)');
    expect(rateText(16_000)).toBe('15.6 KiB/s (128 kbit/s)');
    expect(rateText(1.5 * 2 ** 30)).toBe('1.5 GiB/s (12885 Mbit/s)');
  });
});

describe('windows', () => {
  const day: RateWindow = {
    ...{ rate: 1, fromMinute: 8 * 60, toMinute: 18 * 60, timezone: 'Africa/Douala' },
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  };
  const night: RateWindow = { ...day, rate: 2, fromMinute: 22 * 60, toMinute: 6 * 60, days: ['fri'] };

  // Douala is an hour ahead of UTC all year. 2026-11-20 is a Friday.
  test.each([
    ['2026-11-20T06:59:59Z', undefined],
    ['2026-11-20T07:00:00Z', 1],
    ['2026-11-20T16:59:59Z', 1],
    ['2026-11-20T17:00:00Z', undefined],
    ['2026-11-20T21:00:00Z', 2],
    ['2026-11-21T04:59:00Z', 2],
    ['2026-11-21T05:00:00Z', undefined],
    ['2026-11-21T12:00:00Z', undefined],
    ['2026-11-20T04:00:00Z', undefined],
  ])('at %s the rate is %s', (at, expected) => {
    expect(windowAt([day, night], new Date(at))?.rate).toBe(expected);
  });

  test('follow the clock of their zone when it changes', () => {
    const paris = { ...day, timezone: 'Europe/Paris' };
    expect(windowAt([paris], new Date('2026-07-20T06:30:00Z'))).toBe(paris);
    expect(windowAt([paris], new Date('2026-01-20T06:30:00Z'))).toBeUndefined();
  });

  test('the first that holds counts', () => {
    const lunch = { ...day, rate: 9, fromMinute: 12 * 60, toMinute: 14 * 60 };
    expect(windowAt([lunch, day], new Date('2026-11-20T12:00:00Z'))?.rate).toBe(9);
  });

  test('days and times are read strictly', () => {
    expect(parseDays('mon-fri')).toEqual(['mon', 'tue', 'wed', 'thu', 'fri']);
    expect(parseDays('sat, sun')).toEqual(['sat', 'sun']);
    expect(parseDays('sat-mon')).toEqual(['mon', 'sat', 'sun']);
    for (const wrong of ['monday', 'mon-', '', 'mon-tue-wed']) expect(parseDays(wrong)).toBeUndefined();
    expect([parseMinute('08:30'), parseMinute('24:00')]).toEqual([510, 1_440]);
    for (const wrong of ['8', '25:00', '24:01', '08:60', 'noon']) expect(parseMinute(wrong)).toBeUndefined();
  });
});

describe('what holds', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  test('a command counts before the configuration, until its time is over', () => {
    expect(limitAt(undefined, undefined, now)).toEqual({ rate: undefined, by: 'nobody' });
    expect(limitAt(100, undefined, now)).toEqual({ rate: 100, by: 'configuration' });
    expect(limitAt([], undefined, now)).toEqual({ rate: undefined, by: 'configuration' });
    expect(limitAt(100, { rate: null, until: null }, now)).toEqual({ rate: undefined, by: 'command' });
    const over = { rate: 5, until: '2026-11-20T12:00:00.000Z' };
    expect(limitAt(100, over, now)).toEqual({ rate: 100, by: 'configuration' });
    const later = { rate: 5, until: '2026-11-20T12:00:01.000Z' };
    expect(limitAt(100, later, now)).toEqual({ rate: 5, by: 'command' });
  });
});

describe('TokenBucket', () => {
  /** Bytes that got through within each second, for so many seconds of the fake clock. */
  async function perSecond(bucket: TokenBucket, takers: number, seconds: number): Promise<number[]> {
    let through = 0;
    let isOver = false;
    const takeAll = async () => {
      while (!isOver) {
        await bucket.take(1_000);
        through += 1_000;
      }
    };
    for (let n = 0; n < takers; n++) void takeAll();
    const counts: number[] = [];
    for (let second = 0; second < seconds; second++) {
      const before = through;
      await vi.advanceTimersByTimeAsync(1_000);
      counts.push(through - before);
    }
    isOver = true;
    await vi.advanceTimersByTimeAsync(60_000);
    return counts;
  }

  test('lets the rate through, evenly, however many share it', async () => {
    vi.useFakeTimers();
    for (const takers of [1, 8]) {
      for (const count of await perSecond(new TokenBucket(() => 100_000), takers, 5)) {
        expect(count).toBeGreaterThan(95_000);
        expect(count).toBeLessThan(130_000);
      }
    }
  });

  test('saves up no more than a quarter of a second for later', async () => {
    vi.useFakeTimers();
    const bucket = new TokenBucket(() => 100_000);
    await vi.advanceTimersByTimeAsync(60_000);
    const [first] = await perSecond(bucket, 1, 1);
    expect(first).toBeLessThan(130_000);
  });

  test('follows a rate that changes while others wait, and lets all through when there is none', async () => {
    vi.useFakeTimers();
    let rate: number | undefined = 10;
    const bucket = new TokenBucket(() => rate);
    await bucket.take(1_000);
    let isThrough = false;
    const waiting = bucket.take(1).then(() => {
      isThrough = true;
    });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(isThrough).toBe(false);
    rate = 1_000_000;
    await vi.advanceTimersByTimeAsync(1_000);
    await waiting;
    rate = undefined;
    await bucket.take(1e12);
    await bucket.take(1e12);
  });

  test('gives up when the signal says so, and goes on with the others', async () => {
    vi.useFakeTimers();
    const bucket = new TokenBucket(() => 1_000);
    await bucket.take(2_000);
    const stop = new AbortController();
    const given = bucket.take(1_000, stop.signal).catch((error: unknown) => error);
    const next = bucket.take(1);
    stop.abort(new Error('enough'));
    expect(await given).toMatchObject({ message: 'enough' });
    await vi.advanceTimersByTimeAsync(2_500);
    await next;
  });
});

test('bodies come whole, in small pieces, as fast as the limit of the moment allows', async () => {
  vi.useFakeTimers();
  const limit = new UploadLimit(100_000);
  const body = randomBytes(300_000);
  const pieces: Buffer[] = [];
  const all = (async () => {
    for await (const piece of limit.paced(body)) pieces.push(piece);
  })();
  await vi.advanceTimersByTimeAsync(1_000);
  const sent = Buffer.concat(pieces).length;
  expect(sent).toBeGreaterThan(90_000);
  expect(sent).toBeLessThan(150_000);
  limit.override = { rate: null, until: null };
  await vi.advanceTimersByTimeAsync(1_000);
  await all;
  expect(Buffer.concat(pieces).equals(body)).toBe(true);
  expect(Math.max(...pieces.slice(0, 5).map(({ length }) => length))).toBeLessThanOrEqual(12_500);
});
