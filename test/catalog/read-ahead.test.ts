import { expect, test } from 'vitest';
import { readAhead } from '../../src/catalog/read-ahead.ts';

async function* numbers(count: number, made: string[]): AsyncGenerator<number> {
  try {
    for (let number = 1; number <= count; number++) {
      made.push(`made ${number}`);
      yield number;
    }
  } finally {
    made.push('ended');
  }
}

test('the next item is under way before the last one is used', async () => {
  const log: string[] = [];
  for await (const number of readAhead(numbers(3, log))) {
    await null;
    log.push(`used ${number}`);
  }
  expect(log).toEqual(['made 1', 'made 2', 'used 1', 'made 3', 'used 2', 'ended', 'used 3']);
});

test('whoever stops early ends what was under way', async () => {
  const log: string[] = [];
  for await (const _ of readAhead(numbers(9, log))) break;
  expect(log).toEqual(['made 1', 'made 2', 'ended']);
});

test('a failure ahead is told when its turn comes', async () => {
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('the second');
  }
  const seen: number[] = [];
  await expect(
    (async () => {
      for await (const number of readAhead(failing())) {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(number);
      }
    })(),
  ).rejects.toThrow('the second');
  expect(seen).toEqual([1]);
});
