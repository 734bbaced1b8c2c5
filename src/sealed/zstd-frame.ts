/** What a compressed segment may look like before anything is decompressed: docs/format.md section 4.5, RFC 8878 section 3.1.1. */

const frameMagic = 0xfd2f_b528;
/** Bytes of the content size field by the descriptor's flag, for a frame of a single segment and for others. */
const sizeFieldBytes = { single: [1, 2, 4, 8], windowed: [0, 2, 4, 8] } as const;
const rleBlock = 1;
const reservedBlock = 3;

/**
 * True if `stored` is exactly one frame, without dictionary or checksum, that declares `contentBytes` and a window of at
 * most `maxWindowBytes`. The blocks' content is left to the decompressor.
 */
export function isOneFrame(stored: Buffer, contentBytes: number, maxWindowBytes: number): boolean {
  const first = headerEnd(stored, contentBytes, maxWindowBytes);
  return first !== undefined && blocksEnd(stored, first) === stored.length;
}

/** Offset of the first block, or undefined where the header breaks a rule. */
function headerEnd(stored: Buffer, contentBytes: number, maxWindowBytes: number): number | undefined {
  if (stored.length < 6 || stored.readUInt32LE(0) !== frameMagic) return undefined;
  const descriptor = stored.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  // Reserved bit, checksum flag and dictionary flag must all be 0.
  if ((descriptor & 0x0f) !== 0) return undefined;
  const sizeAt = single ? 5 : 6;
  const sizeBytes = sizeFieldBytes[single ? 'single' : 'windowed'][descriptor >> 6] ?? 0;
  if (sizeBytes === 0 || stored.length < sizeAt + sizeBytes) return undefined;
  // RFC 8878 section 3.1.1.1.4: a two-byte field counts from 256.
  const declared = Number(littleEndian(stored, sizeAt, sizeBytes)) + (sizeBytes === 2 ? 256 : 0);
  const windowBytes = single ? declared : windowOf(stored.readUInt8(5));
  return declared === contentBytes && windowBytes <= maxWindowBytes ? sizeAt + sizeBytes : undefined;
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: Buffer, at: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes.readUInt8(at + i));
  return value;
}

/** Offset after the last block, or undefined where the blocks do not end inside `stored`. */
function blocksEnd(stored: Buffer, first: number): number | undefined {
  let at = first;
  while (at + 3 <= stored.length) {
    const header = stored.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === reservedBlock) return undefined;
    at += 3 + (type === rleBlock ? 1 : header >> 3);
    if (header & 1) return at;
  }
  return undefined;
}
