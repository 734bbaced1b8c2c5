import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { segmentCountFor, segmentSizeFor } from '../../src/sealed/layout.ts';
import { openBytes, openSealed } from '../../src/sealed/open.ts';
import { Sealer, sealedLengthBound, sealerId, sealWhole } from '../../src/sealed/seal.ts';
import { compressSegment, compressSegmentSync } from '../../src/sealed/segments.ts';
import { mebibyte, metadataOf, noise, options, planFor, prose, sealStreamed, sourceOf } from './samples.ts';

const gibibyte = 1024 * mebibyte;

describe('segment size', () => {
  it.each([
    [0, 1],
    [1, 1],
    [64 * gibibyte, 1],
    [64 * gibibyte + 1, 2],
    [128 * gibibyte, 2],
    [128 * gibibyte + 1, 4],
    [512 * gibibyte + 1, 16],
    [1024 * gibibyte, 16],
    [1024 * gibibyte + 1, 16],
    [2 ** 46, 16],
  ])('%d bytes give %d MiB', (sizeBytes, mebibytes) => {
    expect(segmentSizeFor(sizeBytes)).toBe(mebibytes * mebibyte);
  });

  it('counts segments', () => {
    expect([0, 1, mebibyte, mebibyte + 1].map(segmentCountFor)).toEqual([0, 1, 1, 2]);
    expect(segmentCountFor(1024 * gibibyte)).toBe(65_536);
  });
});

describe('compression is the same whichever way it is called', () => {
  const sizes = [1, 2, 5, 100, 4096, 8192, 131_072, mebibyte - 1, mebibyte];
  for (const [label, make] of [
    ['noise', noise],
    ['prose', prose],
    ['zeros', (sizeBytes: number) => Buffer.alloc(sizeBytes)],
  ] as const) {
    it(label, async () => {
      for (const sizeBytes of sizes) {
        const plain = make(sizeBytes);
        for (const level of [1, 3, 9]) {
          const compression = { algorithm: 'zstd', level } as const;
          const sync = compressSegmentSync(plain, compression);
          const several = await Promise.all([1, 2, 3].map(() => compressSegment(plain, compression)));
          for (const one of several) {
            expect(one.raw).toBe(sync.raw);
            expect(one.bytes.equals(sync.bytes), `${sizeBytes} bytes, level ${level}`).toBe(true);
          }
        }
      }
    });
  }

  it('stores raw what does not shrink', async () => {
    const compression = { algorithm: 'zstd', level: 3 } as const;
    expect((await compressSegment(noise(mebibyte), compression)).raw).toBe(true);
    expect((await compressSegment(prose(mebibyte), compression)).raw).toBe(false);
    expect(compressSegmentSync(Buffer.of(1), compression).raw).toBe(true);
  });
});

describe('whether compressing pays', () => {
  const compression = { algorithm: 'zstd', level: 3 } as const;
  const isRaw = async (content: Buffer): Promise<boolean[]> => {
    const plan = planFor(content, { compression });
    const sealed = sealWhole(plan, content);
    expect((await sealStreamed(plan, content)).equals(sealed)).toBe(true);
    const footer = sealed.length - 128;
    const entries = sealed.subarray(footer - sealed.readUInt32BE(footer + 16) * 20, footer);
    return Array.from({ length: entries.length / 20 }, (_, i) => entries.readUInt32BE(i * 20) >= 2 ** 31);
  };
  const text = prose(mebibyte);

  it('is tried on the first segment of sixteen, and then not again before the next sixteen', async () => {
    const group = [noise(mebibyte), ...Array.from({ length: 15 }, () => text)];
    const raw = await isRaw(Buffer.concat([...group, text, text, noise(mebibyte)]));
    expect(raw).toEqual([...Array.from({ length: 16 }, () => true), false, false, true]);
  });

  it('means that at least a thirty-second part is saved', async () => {
    const partlyZeros = (share: number): Buffer =>
      Buffer.concat([Buffer.alloc(mebibyte * share), noise(mebibyte * (1 - share))]);
    expect(await isRaw(partlyZeros(1 / 64))).toEqual([true]);
    expect(await isRaw(partlyZeros(1 / 16))).toEqual([false]);
  });
});

describe('what is sealed opens again', () => {
  const around = [
    0,
    1,
    2,
    15,
    16,
    17,
    8191,
    mebibyte - 1,
    mebibyte,
    mebibyte + 1,
    2 * mebibyte,
    3 * mebibyte + 77,
  ];
  const random = Array.from({ length: 12 }, () => Math.floor(Math.random() ** 3 * 2.5 * mebibyte));
  for (const algorithm of ['none', 'zstd'] as const) {
    it.each([...around, ...random])(`${algorithm}, %d bytes`, async (sizeBytes) => {
      const content = Buffer.concat([prose(Math.ceil(sizeBytes / 2)), noise(Math.floor(sizeBytes / 2))]);
      const plan = planFor(content, { compression: { algorithm, level: 3 } });
      const whole = sealWhole(plan, content);
      const streamed = await sealStreamed(plan, content);
      expect(whole.equals(streamed)).toBe(true);
      const bound = sealedLengthBound(plan);
      if (algorithm === 'none') expect(whole.length).toBe(bound);
      else expect(whole.length).toBeLessThanOrEqual(bound);
      expect(openBytes(whole, options).content().equals(content)).toBe(true);
      const opened = await openSealed(sourceOf(whole), options);
      const parts: Buffer[] = [];
      for await (const part of opened.segments()) parts.push(part);
      expect(Buffer.concat(parts).equals(content)).toBe(true);
    });
  }

  it('in any order of segments', async () => {
    const content = prose(3 * mebibyte + 5);
    const sealed = sealWhole(planFor(content, { compression: { algorithm: 'zstd', level: 1 } }), content);
    const opened = await openSealed(sourceOf(sealed), options);
    for (const index of [3, 1, 0, 2]) {
      const { offset, length } = opened.segmentRange(index);
      const plain = await opened.openSegment(index, sealed.subarray(offset, offset + length));
      expect(plain.equals(content.subarray(index * mebibyte, (index + 1) * mebibyte))).toBe(true);
    }
    expect(() => opened.segmentRange(4)).toThrow(RangeError);
  });

  it('reads nothing but head, metadata, table and footer to open', async () => {
    const content = noise(3 * mebibyte);
    const sealed = sealWhole(planFor(content), content);
    const ranges: [number, number][] = [];
    const source = sourceOf(sealed);
    const opened = await openSealed(
      {
        lengthBytes: source.lengthBytes,
        read: (offset, length) => {
          ranges.push([offset, length]);
          return source.read(offset, length);
        },
      },
      options,
    );
    const readBytes = ranges.reduce((sum, [, length]) => sum + length, 0);
    expect(readBytes).toBe(sealed.length - opened.ciphertextLength);
    expect(ranges.length).toBe(4);
  });

  it('a resumed sealing gives the same bytes again', async () => {
    const content = Buffer.concat([prose(mebibyte), noise(mebibyte), prose(999)]);
    const plan = planFor(content, { compression: { algorithm: 'zstd', level: 5 } });
    const first = await sealStreamed(plan, content);
    expect((await sealStreamed(plan, content)).equals(first)).toBe(true);
  });

  it('another IV, key or path gives unrelated bytes', () => {
    const content = noise(4096);
    const plan = planFor(content);
    const other = sealWhole({ ...plan, iv: Buffer.alloc(16, 9) }, content);
    const at = sealedLengthBound(plan) - 4096 - 20 - 128;
    expect(sealWhole(plan, content).subarray(at).equals(other.subarray(at))).toBe(false);
    expect(sealWhole(plan, content).includes(content.subarray(0, 16))).toBe(false);
  });
});

describe('the sealer refuses to be misused', () => {
  const content = noise(2 * mebibyte);
  const first = content.subarray(0, mebibyte);

  it('segments out of order, missing, too many or of another length', async () => {
    const sealer = new Sealer(planFor(content));
    const a = sealer.compressSync(first);
    const b = sealer.compressSync(first);
    expect(() => sealer.append(b)).toThrow(RangeError);
    sealer.append(a);
    expect(() => sealer.append(a)).toThrow(RangeError);
    expect(() => sealer.trailer()).toThrow(RangeError);
    sealer.append(b);
    expect(() => sealer.compressSync(Buffer.alloc(0))).toThrow(RangeError);
    await expect(new Sealer(planFor(content)).compress(first.subarray(1))).rejects.toThrow(RangeError);
    expect(sealer.trailer().length).toBe(2 * 20 + 128);
  });

  it('plans that contradict themselves', () => {
    const plan = planFor(content);
    const short = { ...plan.key, secret: Buffer.alloc(32) };
    for (const changes of [
      { iv: Buffer.alloc(12) },
      { key: short },
      { plaintextLength: 1 },
      { plaintextLength: -1 },
      { metadata: metadataOf(first) },
      { compression: { algorithm: 'zstd', level: 0 } as const },
    ]) {
      expect(() => new Sealer({ ...plan, ...changes })).toThrow(RangeError);
    }
    expect(() => sealWhole(plan, first)).toThrow(RangeError);
  });
});

describe('the sealer id', () => {
  it('changes with what the bytes depend on and with nothing else', () => {
    const zstd = (level: number) => ({ compression: { algorithm: 'zstd', level } as const });
    const [a, b] = [noise(10), noise(20)];
    expect(sealerId(planFor(a, zstd(3)))).toBe(sealerId(planFor(b, zstd(3))));
    expect(sealerId(planFor(a, zstd(3)))).not.toBe(sealerId(planFor(a, zstd(4))));
    expect(sealerId(planFor(a))).not.toBe(sealerId(planFor(a, zstd(3))));
    expect(sealerId(planFor(a))).toMatch(/^[0-9a-f]{64}$/);
    expect(sealerId(planFor(a))).not.toBe(hash('sha256', '', 'hex'));
  });
});
