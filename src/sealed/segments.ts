/** Writing segments and their table: docs/format.md sections 4.5 and 4.6. */
import { createHmac, type KeyObject } from 'node:crypto';
import { constants, ZstdCompress, type ZstdOptions, zstdCompressSync } from 'node:zlib';
import { type CompressionAlgorithm, rawFlag, segmentMacPrefix, tableEntryBytes, tagBytes } from './layout.ts';
import { libzstd } from './libzstd.ts';

export interface Compression {
  readonly algorithm: CompressionAlgorithm;
  /** Zstandard level, 1 to 22; without meaning for `none`. */
  readonly level: number;
}

/** A segment as it will be stored, before encryption. */
export interface StoredSegment {
  readonly bytes: Buffer;
  readonly raw: boolean;
}

/**
 * The two tables of level 3 have 2^15 places (128 KiB) each for a segment of more than 128 KiB, and 2^13 (32 KiB) for others.
 * Those the library takes are three to six times as large, and most of the time goes into reaching them. Measured: libraries
 * and large source files 30 % less time for 1 % to 3 % more bytes, small source files 20 % less for 0.5 %.
 */
const tableLogs = { large: 15, small: 13 } as const;
const largeSegmentBytes = 128 * 1024;

/**
 * Every parameter of the compressor for a segment of so many bytes. 0 lets the library choose by level and size; nothing is
 * left to a default of Node's that may change, because an interrupted upload compresses again and must get the same bytes.
 */
export function zstdParameters(level: number, plainBytes: number): Readonly<Record<number, number>> {
  const log = level === 3 ? tableLogs[plainBytes > largeSegmentBytes ? 'large' : 'small'] : 0;
  const name = `${level} ${log}`;
  const known = parametersBy.get(name) ?? parameters(level, log);
  parametersBy.set(name, known);
  return known;
}

/** Made once each: a small file is compressed faster than a dozen members are put together. */
const parametersBy = new Map<string, Readonly<Record<number, number>>>();

function parameters(level: number, log: number): Record<number, number> {
  return {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_windowLog]: 0,
    [constants.ZSTD_c_hashLog]: log,
    [constants.ZSTD_c_chainLog]: log,
    [constants.ZSTD_c_searchLog]: 0,
    [constants.ZSTD_c_minMatch]: 0,
    [constants.ZSTD_c_targetLength]: 0,
    [constants.ZSTD_c_strategy]: 0,
    [constants.ZSTD_c_enableLongDistanceMatching]: 0,
    [constants.ZSTD_c_contentSizeFlag]: 1,
    [constants.ZSTD_c_checksumFlag]: 0,
    [constants.ZSTD_c_dictIDFlag]: 0,
    [constants.ZSTD_c_nbWorkers]: 0,
  };
}

/**
 * Whether it pays is tried on the first segment of every so many; where it does not, the others are stored raw without
 * trying. Bytes that do not compress then cost a sixteenth of the work, and a file that begins unlike the rest of it (an
 * archive whose first member is a picture) still gets smaller.
 */
export const probeInterval = 16;

/** A segment is stored compressed where that saves at least one part in this many; less is not worth opening it again. */
export const leastSaving = 32;

/** Compresses one segment on another thread; `plain` must stay as it is until then. The same bytes as {@link compressSegmentSync}, which a test holds true. */
export async function compressSegment(plain: Buffer, compression: Compression): Promise<StoredSegment> {
  if (compression.algorithm === 'none') return rawSegment(plain);
  const { params } = frameOptions(plain.length, compression.level);
  const frame = libzstd()?.compressElsewhere(plain, params) ?? oneFrame(plain, compression.level);
  return smallerOf(plain, await frame);
}

/** Compresses one segment on this thread: cheaper for small content. */
export function compressSegmentSync(plain: Buffer, compression: Compression): StoredSegment {
  if (compression.algorithm === 'none') return rawSegment(plain);
  const options = frameOptions(plain.length, compression.level);
  const frame = libzstd()?.compress(plain, options.params) ?? zstdCompressSync(plain, options);
  return smallerOf(plain, frame);
}

export function rawSegment(plain: Buffer): StoredSegment {
  return { bytes: plain, raw: true };
}

function smallerOf(plain: Buffer, frame: Buffer): StoredSegment {
  const saved = plain.length - frame.length;
  return saved * leastSaving >= plain.length ? { bytes: frame, raw: false } : rawSegment(plain);
}

/**
 * One write that also ends the frame, with room for the whole output: zstd then compresses in one call, as the
 * synchronous function does. `zlib.zstdCompress` writes first and ends later, which gives other bytes.
 */
function oneFrame(plain: Buffer, level: number): Promise<Buffer> {
  const options = frameOptions(plain.length, level);
  return new Promise((resolve, reject) => {
    const stream = new ZstdCompress({
      ...options,
      flush: constants.ZSTD_e_end,
      readableHighWaterMark: options.chunkSize + 1,
    } as ZstdOptions);
    stream.once('error', reject);
    stream.write(plain, (error) => {
      if (error) return reject(error);
      const frame: Buffer | null = stream.read();
      stream.destroy();
      if (frame === null) reject(new Error('the compressor gave no bytes'));
      else resolve(frame);
    });
  });
}

function frameOptions(plainBytes: number, level: number) {
  return {
    chunkSize: compressBound(plainBytes) + 64,
    pledgedSrcSize: plainBytes,
    params: zstdParameters(level, plainBytes),
  };
}

/** The longest frame zstd makes of `sizeBytes` (ZSTD_COMPRESSBOUND in zstd.h). */
function compressBound(sizeBytes: number): number {
  const threshold = 128 * 1024;
  return sizeBytes + (sizeBytes >>> 8) + (sizeBytes < threshold ? (threshold - sizeBytes) >>> 11 : 0);
}

/** What a tag covers before the segment; its number is filled in for each. */
const segmentPrefix = Buffer.of(segmentMacPrefix, 0, 0, 0, 0);

/** Writes the table entry of segment `index`, whose encrypted stored bytes are `ciphertext`. */
export function writeTableEntry(
  table: Buffer,
  index: number,
  segment: { readonly ciphertext: Buffer; readonly raw: boolean },
  macKey: KeyObject,
): void {
  segmentPrefix.writeUInt32BE(index, 1);
  const tag = createHmac('sha256', macKey).update(segmentPrefix).update(segment.ciphertext).digest();
  const at = index * tableEntryBytes;
  table.writeUInt32BE(segment.ciphertext.length + (segment.raw ? rawFlag : 0), at);
  tag.copy(table, at + 4, 0, tagBytes);
}
