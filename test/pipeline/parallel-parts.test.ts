import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { PartBuffers } from '../../src/pipeline/part-buffers.ts';
import { PartSender } from '../../src/pipeline/part-sender.ts';
import { sha256 } from '../../src/pipeline/sealing.ts';
import { makeWorld, noise, stepRun, untilScanned, untilUploaded } from '../support/pipeline.ts';
import { usePostgres } from '../support/postgres.ts';

const postgres = usePostgres();
const mebibyte = 1024 * 1024;

describe('parts of large files', () => {
  test('go several at once, at most four of a file, and what all files have in memory is bounded', async () => {
    const world = await makeWorld(postgres());
    const buffers = new PartBuffers(40 * mebibyte);
    const context = world.another({ partBuffers: buffers });
    let inUse = 0;
    let mostBytes = 0;
    const counted = (by: number): void => {
      inUse += by;
      mostBytes = Math.max(mostBytes, inUse);
    };
    const [take, give] = [buffers.take.bind(buffers), buffers.give.bind(buffers)];
    buffers.take = async (sizeBytes) => {
      const buffer = await take(sizeBytes);
      counted(sizeBytes);
      return buffer;
    };
    buffers.give = (buffer) => {
      counted(-buffer.length);
      give(buffer);
    };
    const underWay = new Map<string, number>();
    let mostOfOne = 0;
    let mostOfAll = 0;
    const uploadPart = world.store.uploadPart.bind(world.store);
    world.store.uploadPart = async (part) => {
      underWay.set(part.key, (underWay.get(part.key) ?? 0) + 1);
      mostOfOne = Math.max(mostOfOne, underWay.get(part.key) ?? 0);
      mostOfAll = Math.max(
        mostOfAll,
        [...underWay.values()].reduce((sum, count) => sum + count),
      );
      // However slow the machine: the first ones stay until as many have come as may.
      for (let waitedMs = 0; mostOfOne < 4 && waitedMs < 5_000; waitedMs += 50) await sleep(50);
      await sleep(20);
      const answer = await uploadPart(part);
      underWay.set(part.key, (underWay.get(part.key) ?? 0) - 1);
      return answer;
    };
    const upload = async (name: string, sizeBytes: number) => {
      const content = noise(sizeBytes, name);
      world.write(name, content);
      const scanned = await untilScanned(context, await world.entry(name));
      if ('next' in scanned) throw new Error('unreachable');
      expect(await untilUploaded(context, scanned, stepRun())).toMatchObject({ outcome: 'uploaded' });
      return content;
    };
    const alone = await upload('alone', 57 * mebibyte);
    expect(mostOfOne).toBe(4);
    const [stored] = await world.versions();
    if (stored === undefined) throw new Error('nothing is stored');
    expect((await world.open(stored)).equals(alone)).toBe(true);
    await Promise.all(['a', 'b', 'c'].map((name) => upload(name, 25 * mebibyte)));
    expect(mostOfOne).toBe(4);
    expect(mostOfAll).toBeGreaterThan(2);
    expect(mostBytes).toBeLessThanOrEqual(40 * mebibyte);
    expect(inUse).toBe(0);
  });

  test('nothing is sent after a part that comes out otherwise than recorded', async () => {
    const sent: number[] = [];
    const body = (n: number) => Buffer.alloc(100, n);
    const recorded = [1, 2, 3].map((partNumber) => ({
      ...{ intentId: 'i', partNumber, length: 100 },
      sha256: sha256(body(partNumber === 2 ? 9 : partNumber)),
    }));
    const sender = new PartSender({
      store: {
        uploadPart: async ({ partNumber }: { partNumber: number }) => {
          sent.push(partNumber);
          return { etag: 'e' };
        },
      } as never,
      catalog: { write: async () => {} } as never,
      intentId: 'i',
      upload: { key: 'k', uploadId: 'u' },
      partSize: 100,
      recorded,
      present: [],
      buffers: new PartBuffers(1_000),
      run: stepRun(),
      failPoints: { reach: () => {} },
    });
    const all = async () => {
      for (const n of [1, 2, 3, 4, 5]) await sender.add(body(n));
      await sender.finish();
    };
    await expect(all()).rejects.toMatchObject({ name: 'NotReproducible' });
    await sender.idle();
    expect(sent).toEqual([1]);
  });
});

describe('PartBuffers', () => {
  test('lends in the order it was asked, up to its bound; what is larger goes alone', async () => {
    const buffers = new PartBuffers(100);
    const order: string[] = [];
    const take = async (name: string, size: number) => {
      const buffer = await buffers.take(size);
      order.push(name);
      return buffer;
    };
    const first = await take('first', 60);
    const large = take('large', 500);
    const small = take('small', 10);
    await sleep(1);
    expect(order).toEqual(['first']);
    buffers.give(first);
    const lent = await large;
    expect(lent).toHaveLength(500);
    expect(order).toEqual(['first', 'large']);
    buffers.give(lent);
    expect(await small).toHaveLength(10);
    expect(order).toEqual(['first', 'large', 'small']);
  });

  test('lends a buffer again, and keeps none when nothing is under way', async () => {
    const buffers = new PartBuffers(100);
    const [a, b] = [await buffers.take(50), await buffers.take(50)];
    buffers.give(a);
    expect(await buffers.take(50)).toBe(a);
    buffers.give(a);
    buffers.give(b);
    expect(await buffers.take(50)).not.toBe(b);
  });
});
