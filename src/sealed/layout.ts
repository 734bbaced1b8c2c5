/**
 * The constants and size rules of docs/format.md sections 4.1, 4.5, 4.6 and 4.7. Writer and reader share these numbers
 * and nothing else, so that the reader can judge what the writer made.
 */

export const formatVersion = 1;
export const magic = Buffer.from('HOLDFAST', 'latin1');

export const ivBytes = 16;
/** IV and metadata length. */
export const headBytes = 20;
export const maxMetadataBytes = 1024 * 1024;
export const tableEntryBytes = 20;
export const tagBytes = 16;
export const footerBytes = 128;
/** The footer's last bytes: the MAC over everything but the segments, which their tags stand for. */
export const footerMacBytes = 32;
/** 64 TiB, above any object a store takes; keeps every count and length an exact number. */
export const maxPlaintextBytes = 2 ** 46;

/** Top bit of a table entry's length: the segment is stored as it is. */
export const rawFlag = 0x8000_0000;
/** First byte of what a MAC covers, so that a tag can never stand for a footer. */
export const segmentMacPrefix = 1;
export const footerMacPrefix = 2;

export const compressions = { none: 0, zstd: 1 } as const;
export type CompressionAlgorithm = keyof typeof compressions;

/** Byte offsets inside the footer. */
export const footerOffset = {
  magic: 0,
  version: 8,
  compression: 10,
  segmentSize: 12,
  segmentCount: 16,
  reservedWord: 20,
  keyId: 24,
  plaintextLength: 40,
  ciphertextLength: 48,
  tableLength: 56,
  reservedTail: 64,
  mac: 96,
} as const;

const mebibyte = 1024 * 1024;
const maxSegmentBytes = 16 * mebibyte;
const preferredMaxSegments = 65_536;

/** Segment size in bytes for content of `sizeBytes`: 1, 2, 4, 8 or 16 MiB (section 4.5). */
export function segmentSizeFor(sizeBytes: number): number {
  let size = mebibyte;
  while (size < maxSegmentBytes && sizeBytes > size * preferredMaxSegments) size *= 2;
  return size;
}

/** Number of segments of content of `sizeBytes`; 0 for none. */
export function segmentCountFor(sizeBytes: number): number {
  return Math.ceil(sizeBytes / segmentSizeFor(sizeBytes));
}

/** How many content bytes segment `index` covers. */
export function coveredBytes(plaintextLength: number, segmentSize: number, index: number): number {
  return Math.min(segmentSize, plaintextLength - index * segmentSize);
}
