import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GroupCommit } from '../../src/catalog/group-commit.ts';

/** Doubles each number, a few milliseconds per transaction; refuses any batch with a 13 in it. */
function doubler(maxBatch?: number) {
  const batches: number[][] = [];
  let running = 0;
  let mostRunning = 0;
  const group = new GroupCommit<number, number>(async (numbers) => {
    mostRunning = Math.max(mostRunning, ++running);
    batches.push([...numbers]);
    await sleep(2);
    running--;
    if (numbers.includes(13)) throw new Error('unlucky');
    return numbers.map((n) => 2 * n);
  }, maxBatch);
  return { group, batches, mostRunning: () => mostRunning };
}

test('what arrives while a transaction runs shares the next one, each with its own result in order', async () => {
  const { group, batches, mostRunning } = doubler();
  const numbers = Array.from({ length: 20 }, (_, i) => i + 100);
  expect(await Promise.all(numbers.map((n) => group.write(n)))).toEqual(numbers.map((n) => 2 * n));
  expect(batches).toEqual([numbers.slice(0, 1), numbers.slice(1)]);
  expect(mostRunning()).toBe(1);
});

test('one bad change fails alone: its neighbours are written', async () => {
  const { group } = doubler();
  const results = await Promise.allSettled([1, 2, 13, 4].map((n) => group.write(n)));
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused'))).toEqual([
    2,
    4,
    'refused',
    8,
  ]);
});

test('it goes on after a failure', async () => {
  const { group } = doubler();
  await expect(group.write(13)).rejects.toThrow('unlucky');
  expect(await group.write(3)).toBe(6);
});

test('no transaction is larger than allowed', async () => {
  const { group, batches } = doubler(5);
  await Promise.all(Array.from({ length: 23 }, (_, i) => group.write(i + 100)));
  expect(batches.map((batch) => batch.length)).toEqual([1, 5, 5, 5, 5, 2]);
});

test('nobody is told before the transaction has ended', async () => {
  let commit = (): void => {};
  const committed = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const group = new GroupCommit<number, number>(async (numbers) => committed.then(() => numbers));
  let told = false;
  const written = group.write(1).then(() => {
    told = true;
  });
  await sleep(20);
  expect(told).toBe(false);
  commit();
  await written;
});
