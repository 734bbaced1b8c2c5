import { expect, test } from 'vitest';
import { ServerClock } from '../../src/storage/server-clock.ts';

const date = 'Tue, 01 Jan 2030 10:00:00 GMT';

function clockAt() {
  const local = { wall: 5_000_000, monotonic: 100 };
  const clock = new ServerClock({ wallMs: () => local.wall, monotonicMs: () => local.monotonic });
  const pass = (wallMs: number, monotonicMs = wallMs) => {
    local.wall += wallMs;
    local.monotonic += monotonicMs;
  };
  return { clock, pass };
}

test('does not know the time before the first answer, nor from what is no date', () => {
  const { clock } = clockAt();
  expect(clock.now()).toBeUndefined();
  clock.observe(undefined);
  clock.observe('yesterday');
  expect(clock.now()).toBeUndefined();
});

test('follows the server, whatever the local clock says, and is never behind it', () => {
  const { clock, pass } = clockAt();
  clock.observe(date);
  expect(clock.now()).toEqual(new Date('2030-01-01T10:00:01Z'));
  pass(30_000);
  expect(clock.now()).toEqual(new Date('2030-01-01T10:00:31Z'));
});

test('asks again after a minute', () => {
  const { clock, pass } = clockAt();
  clock.observe(date);
  pass(60_001);
  expect(clock.now()).toBeUndefined();
  clock.observe('Tue, 01 Jan 2030 10:01:00 GMT');
  expect(clock.now()).toEqual(new Date('2030-01-01T10:01:01Z'));
});

test.each([
  ['the machine slept', 3_600_000, 1_000],
  ['the local clock was set forward', 86_400_000, 1_000],
  ['the local clock was set back', -86_400_000, 1_000],
])('asks again when %s', (_, wallMs, monotonicMs) => {
  const { clock, pass } = clockAt();
  clock.observe(date);
  pass(wallMs, monotonicMs);
  expect(clock.now()).toBeUndefined();
});
