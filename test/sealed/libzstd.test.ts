import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type Libzstd, libzstd } from '../../src/sealed/libzstd.ts';
import { zstdParameters } from '../../src/sealed/segments.ts';
import { mebibyte, noise, prose } from './samples.ts';

// Without it all that follows would say nothing.
const library = libzstd() as Libzstd;

const sizes = [1, 7, 64, 500, 4_096, 9_000, 70_000, 131_072, 131_073, mebibyte];

it('a context that is kept gives the bytes of one that is made for each call, whatever came before', () => {
  const contents = sizes.flatMap((sizeBytes) => [
    noise(sizeBytes),
    prose(sizeBytes),
    Buffer.alloc(sizeBytes),
  ]);
  const levels = [3, 1, 3];
  // Large and small, well and badly compressible, in an order of their own in each round.
  for (const level of levels) {
    for (const plain of contents.toSorted(() => Math.random() - 0.5)) {
      const params = zstdParameters(level, plain.length);
      const options = { params, pledgedSrcSize: plain.length, chunkSize: plain.length + 65_536 };
      const expected = zstdCompressSync(plain, options);
      expect(library.compress(plain, params).equals(expected), `${plain.length} bytes at ${level}`).toBe(
        true,
      );
      expect(library.decompress(expected, plain.length)?.equals(plain)).toBe(true);
    }
  }
});

it('gives nothing for what is damaged or longer than it may be, and goes on afterwards', () => {
  const plain = prose(20_000);
  const frame = library.compress(plain, zstdParameters(3, plain.length));
  expect(library.decompress(frame, plain.length - 1)).toBeUndefined();
  expect(library.decompress(frame.subarray(0, -1), plain.length)).toBeUndefined();
  expect(library.decompress(randomBytes(500), plain.length)).toBeUndefined();
  expect(library.decompress(Buffer.concat([frame, frame]), plain.length)).toBeUndefined();
  expect(library.decompress(frame, plain.length)?.equals(plain)).toBe(true);
});

it('an output is nobody else’s room', () => {
  const [first, second] = [prose(50_000), noise(50_000)];
  const frame = library.compress(first, zstdParameters(3, first.length));
  const before = Buffer.from(frame);
  library.compress(second, zstdParameters(3, second.length));
  expect(frame.equals(before)).toBe(true);
});

it('a parameter that the library does not know is refused', () => {
  expect(() => library.compress(Buffer.of(1), { 9999: 1 })).toThrow('refused');
});

it('on other threads it gives the same, many at once, whatever their parameters', {
  timeout: 60_000,
}, async () => {
  const wanted = [...Array(16).keys()].map((index) => {
    const sizeBytes = [mebibyte, 9_000, 3 * mebibyte, 131_073][index % 4] ?? 1;
    const level = index % 8 === 0 ? 9 : index % 3 === 0 ? 1 : 3;
    return { plain: index % 5 === 0 ? noise(sizeBytes) : prose(sizeBytes), level };
  });
  const frames = await Promise.all(
    wanted.map(({ plain, level }) => library.compressElsewhere(plain, zstdParameters(level, plain.length))),
  );
  for (const [index, { plain, level }] of wanted.entries())
    expect(frames[index]?.equals(library.compress(plain, zstdParameters(level, plain.length)))).toBe(true);
});
