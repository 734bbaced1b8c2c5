import { mebibyte } from '../samples.ts';
import type { Random } from './random.ts';

/** What stands in a segment's place: a Zstandard frame (RFC 8878 section 3.1.1) that lies, bombs or is broken. */
export function hostileSegment(bytes: Buffer, random: Random): Buffer {
  switch (random.below(6)) {
    case 0:
      return random.bytes(random.below(2 * bytes.length + 8));
    case 1:
      return Buffer.concat([bytes, random.pick([bytes, skippable, Buffer.of(0), random.bytes(9)])]);
    case 2:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 3:
      return zstdBomb(random);
    default:
      return flipped(bytes, random);
  }
}

const frameMagic = Buffer.from('28b52ffd', 'hex');
/** Of 1 MiB: 2 to the power of 10 + 10, no eighths. */
const largestAllowedWindow = 10 << 3;
const skippable = Buffer.from('502a4d1804000000', 'hex');

function flipped(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return random.bytes(3);
  const copy = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) {
    // Headers of frame and first block matter most.
    const at = random.below(random.chance(0.5) ? Math.min(16, copy.length) : copy.length);
    copy.writeUInt8(random.chance(0.5) ? random.below(256) : copy.readUInt8(at) ^ (1 << random.below(8)), at);
  }
  return copy;
}

/** Up to 512 MiB of one byte in up to 4,096 blocks of 128 KiB, four bytes each, under a header that says anything. */
export function zstdBomb(random: Random): Buffer {
  const blocks = 1 + random.below(random.pick([2, 16, 4_096]));
  const rows = Buffer.alloc(4 * blocks);
  for (let n = 0; n < blocks; n++) {
    const isLast = n === blocks - 1 ? 1 : 0;
    rows.writeUIntLE(isLast + 2 + 131_072 * 8, 4 * n, 3);
  }
  const declared = random.pick([
    0,
    1,
    70,
    300,
    5_000,
    mebibyte,
    mebibyte,
    mebibyte + 1,
    131_072 * blocks,
    0xffff_ffff,
  ]);
  return Buffer.concat([frameMagic, header(declared, random), rows]);
}

function header(declaredBytes: number, random: Random): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(declaredBytes);
  // A single segment of declared size; a window from 1 KiB to 3.75 TiB with that size; the same without a size.
  const window = Buffer.of(random.pick([largestAllowedWindow, random.below(256)]));
  return random.pick([
    Buffer.concat([Buffer.of(0xa0), size]),
    Buffer.concat([Buffer.of(0x80), window, size]),
    Buffer.concat([Buffer.of(0x00), window]),
  ]);
}
