/** Reading the segment table and single segments: docs/format.md section 4.8, steps 6 and 8. */
import { createDecipheriv, createHmac, type Decipheriv, type KeyObject, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { FileKeys } from './keys.ts';
import { coveredBytes, headBytes, rawFlag, segmentMacPrefix, tableEntryBytes, tagBytes } from './layout.ts';
import { libzstd } from './libzstd.ts';
import { damaged, type Frame } from './read-frame.ts';
import { isOneFrame } from './zstd-frame.ts';

/** Where a segment lies in the sealed file, in bytes. */
export interface SegmentRange {
  readonly offset: number;
  readonly length: number;
}

/** The segments of one sealed file. Each is opened by itself, in any order. */
export class SegmentReader {
  readonly #frame: Frame;
  readonly #keys: FileKeys;
  readonly #table: Buffer;
  /** Offset of each segment from the start of the segments, and of their end. */
  readonly #offsets: Float64Array;

  /** `table` must be authenticated. Throws Failure `tampered` where an entry breaks the format. */
  constructor(frame: Frame, keys: FileKeys, table: Buffer) {
    this.#frame = frame;
    this.#keys = keys;
    this.#table = table;
    this.#offsets = new Float64Array(frame.segmentCount + 1);
    let offset = 0;
    for (let index = 0; index < frame.segmentCount; index++) {
      offset += this.#checkedLength(index);
      this.#offsets[index + 1] = offset;
    }
    if (offset !== frame.ciphertextLength) throw damaged('its segment table contradicts the footer');
  }

  range(index: number): SegmentRange {
    const start = this.#offsets[index];
    const end = this.#offsets[index + 1];
    if (start === undefined || end === undefined) throw new RangeError(`no segment ${index}`);
    return { offset: headBytes + this.#frame.metadataLength + start, length: end - start };
  }

  /** Verifies, decrypts and decompresses segment `index`, decompressing on the thread pool. Throws Failure `tampered`. */
  async open(index: number, ciphertext: Buffer): Promise<Buffer> {
    this.#verify(index, ciphertext);
    const stored = this.#decrypt(index, ciphertext);
    if (this.#isRaw(index)) return stored;
    const expected = this.#covered(index);
    this.#checkFrame(stored, expected);
    const plain = await decompress(stored, this.#limits(expected)).catch(() => undefined);
    return exactly(expected, plain);
  }

  /**
   * All segments in order, on this thread.
   *
   * @param keystream that has decrypted the metadata, and nothing besides
   */
  openAllSync(sealed: Buffer, keystream: Decipheriv): Buffer[] {
    const plain: Buffer[] = [];
    for (let index = 0; index < this.#frame.segmentCount; index++) {
      const { offset, length } = this.range(index);
      const ciphertext = sealed.subarray(offset, offset + length);
      this.#verify(index, ciphertext);
      plain.push(this.#openSync(index, keystream.update(ciphertext)));
    }
    return plain;
  }

  #openSync(index: number, stored: Buffer): Buffer {
    if (this.#isRaw(index)) return stored;
    const expected = this.#covered(index);
    this.#checkFrame(stored, expected);
    const library = libzstd();
    // A whole frame into room for its length takes no window.
    const plain = library
      ? library.decompress(stored, expected)
      : decompressSync(stored, this.#limits(expected));
    return exactly(expected, plain);
  }

  #checkedLength(index: number): number {
    const length = this.#entry(index) % rawFlag;
    const covered = this.#covered(index);
    const allowed = this.#isRaw(index)
      ? length === covered
      : this.#frame.compression === 'zstd' && length > 0 && length < covered;
    if (!allowed) throw damaged('its segment table breaks the format');
    return length;
  }

  #verify(index: number, ciphertext: Buffer): void {
    const { length } = this.range(index);
    if (ciphertext.length !== length) throw damaged(`segment ${index} is cut`);
    const at = index * tableEntryBytes + 4;
    const expected = this.#table.subarray(at, at + tagBytes);
    if (!timingSafeEqual(segmentTag(this.#keys.authenticate, index, ciphertext), expected)) {
      throw damaged(`segment ${index} does not match its tag`);
    }
  }

  #decrypt(index: number, ciphertext: Buffer): Buffer {
    const position = this.#frame.metadataLength + (this.#offsets[index] ?? 0);
    return decryptAt(this.#keys.encrypt, this.#frame.iv, position, ciphertext);
  }

  #checkFrame(stored: Buffer, expected: number): void {
    if (!isOneFrame(stored, expected, this.#frame.segmentSize)) {
      throw damaged('a segment is not one frame of its length');
    }
  }

  #limits(expected: number): ZstdOptions {
    return {
      // Room for one byte more than expected, so that a longer frame shows without a second buffer.
      chunkSize: Math.max(expected + 1, 64),
      maxOutputLength: expected,
      params: { [constants.ZSTD_d_windowLogMax]: Math.log2(this.#frame.segmentSize) },
    };
  }

  #covered(index: number): number {
    return coveredBytes(this.#frame.plaintextLength, this.#frame.segmentSize, index);
  }

  #entry(index: number): number {
    return this.#table.readUInt32BE(index * tableEntryBytes);
  }

  #isRaw(index: number): boolean {
    return this.#entry(index) >= rawFlag;
  }
}

/** AES-256-CTR decryption of bytes that lie `position` bytes into the keystream that starts at `iv` (section 4.3). */
function decryptAt(key: KeyObject, iv: Buffer, position: number, ciphertext: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-ctr', key, counterAt(iv, Math.floor(position / 16)));
  decipher.update(Buffer.alloc(position % 16));
  return decipher.update(ciphertext);
}

function counterAt(iv: Buffer, block: number): Buffer {
  const counter = (BigInt(`0x${iv.toString('hex')}`) + BigInt(block)) & ((1n << 128n) - 1n);
  return Buffer.from(counter.toString(16).padStart(32, '0'), 'hex');
}

/** What a tag covers before the segment; its number is filled in for each. */
const segmentPrefix = Buffer.of(segmentMacPrefix, 0, 0, 0, 0);

function segmentTag(key: KeyObject, index: number, ciphertext: Buffer): Buffer {
  segmentPrefix.writeUInt32BE(index, 1);
  return createHmac('sha256', key).update(segmentPrefix).update(ciphertext).digest().subarray(0, tagBytes);
}

const decompress = promisify(zstdDecompress) as (bytes: Buffer, options: ZstdOptions) => Promise<Buffer>;

function decompressSync(bytes: Buffer, options: ZstdOptions): Buffer | undefined {
  try {
    return zstdDecompressSync(bytes, options);
  } catch {
    return undefined;
  }
}

function exactly(expected: number, plain: Buffer | undefined): Buffer {
  if (plain?.length !== expected) throw damaged('a segment does not decompress to its length');
  return plain;
}
