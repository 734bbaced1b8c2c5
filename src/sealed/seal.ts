/** Making a sealed file: docs/format.md section 4. */
import { type Cipheriv, createCipheriv, hash } from 'node:crypto';
import { canonical } from '../domain/canonical.ts';
import { encodeFooter } from './footer.ts';
import { deriveFileKeys, type FileKeys, type Purpose, type SealingKey } from './keys.ts';
import {
  coveredBytes,
  footerBytes,
  formatVersion,
  headBytes,
  ivBytes,
  maxPlaintextBytes,
  segmentCountFor,
  segmentSizeFor,
  tableEntryBytes,
} from './layout.ts';
import { encodeMetadata, type MetadataOf } from './metadata.ts';
import {
  type Compression,
  compressSegment,
  compressSegmentSync,
  leastSaving,
  probeInterval,
  rawSegment,
  type StoredSegment,
  writeTableEntry,
  zstdParameters,
} from './segments.ts';

/** All that the bytes of a sealed file depend on, besides the content and {@link sealerId}. */
export interface SealPlan<P extends Purpose = 'content'> {
  readonly key: SealingKey;
  /** 16 random bytes, used for this one sealing. */
  readonly iv: Buffer;
  readonly purpose: P;
  /** Raw bytes: relative to the source's root, or for other purposes than content the object's name without prefix. */
  readonly path: Buffer;
  readonly metadata: MetadataOf<P>;
  /** Content bytes; must equal `metadata.size`. */
  readonly plaintextLength: number;
  readonly compression: Compression;
}

/** A segment ready for its turn in {@link Sealer.append}. */
export interface CompressedSegment extends StoredSegment {
  readonly index: number;
}

/**
 * Seals one content, segment by segment. Equal plans and contents give equal bytes with an equal {@link sealerId}, so a
 * resumed upload runs a new Sealer from segment 0.
 *
 * Send `header()`, then each `append(await compress(segment))` in order, then `trailer()`. `compress` numbers the
 * segments in the order of its calls and may run ahead; `append` takes them in that order only. One sealer is used with
 * `compress` or with `compressSync`, not with both. RangeError for calls
 * out of order or segments of another length than the plan gives, which are defects.
 */
export class Sealer {
  readonly #plan: SealPlan<Purpose>;
  readonly #keys: FileKeys;
  readonly #cipher: Cipheriv;
  readonly #segmentSize: number;
  readonly #table: Buffer;
  readonly #head: Buffer;
  readonly #encryptedMetadata: Buffer;
  #compressed = 0;
  /** Whether compressing paid at the last probe. */
  #pays: boolean | Promise<boolean> = true;
  #appended = 0;
  #ciphertextLength = 0;

  /** Throws Failure `name_too_long` where the metadata does not fit. */
  constructor(plan: SealPlan<Purpose>) {
    checkPlan(plan);
    this.#plan = plan;
    this.#keys = deriveFileKeys(plan.key, plan.purpose, plan.iv);
    this.#cipher = createCipheriv('aes-256-ctr', this.#keys.encrypt, plan.iv);
    this.#segmentSize = segmentSizeFor(plan.plaintextLength);
    this.#table = Buffer.alloc(tableEntryBytes * segmentCountFor(plan.plaintextLength));
    const metadata = encodeMetadata(plan.path, plan.metadata);
    this.#head = Buffer.alloc(headBytes);
    plan.iv.copy(this.#head);
    this.#head.writeUInt32BE(metadata.length, ivBytes);
    this.#encryptedMetadata = this.#cipher.update(metadata);
  }

  /** The bytes before the first segment. */
  header(): Buffer {
    return Buffer.concat([this.#head, this.#encryptedMetadata]);
  }

  /** Compresses the next segment on the thread pool; several may run at once. */
  async compress(plain: Buffer): Promise<CompressedSegment> {
    const index = this.#takeIndex(plain);
    const isProbe = index % probeInterval === 0;
    if (!isProbe && !(await this.#pays)) return { index, ...rawSegment(plain) };
    const stored = compressSegment(plain, this.#plan.compression);
    if (isProbe) this.#pays = stored.then(pays, () => false);
    return { index, ...(await stored) };
  }

  /** Like {@link compress}, on this thread. */
  compressSync(plain: Buffer): CompressedSegment {
    const index = this.#takeIndex(plain);
    const isProbe = index % probeInterval === 0;
    if (!isProbe && this.#pays === false) return { index, ...rawSegment(plain) };
    const stored = compressSegmentSync(plain, this.#plan.compression);
    if (isProbe) this.#pays = pays(stored);
    return { index, ...stored };
  }

  /** The encrypted bytes of the next segment. */
  append(segment: CompressedSegment): Buffer {
    if (segment.index !== this.#appended) throw new RangeError('segment appended out of order');
    const ciphertext = this.#cipher.update(segment.bytes);
    writeTableEntry(this.#table, segment.index, { ciphertext, raw: segment.raw }, this.#keys.authenticate);
    this.#appended += 1;
    this.#ciphertextLength += ciphertext.length;
    return ciphertext;
  }

  /** The bytes after the last segment. */
  trailer(): Buffer {
    const segmentCount = segmentCountFor(this.#plan.plaintextLength);
    if (this.#appended !== segmentCount) throw new RangeError('trailer before the last segment');
    const footer = encodeFooter(
      {
        compression: this.#plan.compression.algorithm,
        segmentSize: this.#segmentSize,
        segmentCount,
        keyId: this.#plan.key.id,
        plaintextLength: this.#plan.plaintextLength,
        ciphertextLength: this.#ciphertextLength,
      },
      { head: this.#head, encryptedMetadata: this.#encryptedMetadata, table: this.#table },
      this.#keys.authenticate,
    );
    return Buffer.concat([this.#table, footer]);
  }

  #takeIndex(plain: Buffer): number {
    const index = this.#compressed;
    if (index === segmentCountFor(this.#plan.plaintextLength)) throw new RangeError('segment after the last');
    if (plain.length !== coveredBytes(this.#plan.plaintextLength, this.#segmentSize, index)) {
      throw new RangeError('segment of another length than the plan gives');
    }
    this.#compressed += 1;
    return index;
  }
}

const pays = ({ raw }: StoredSegment): boolean => !raw;

/** Seals small content in memory. The same bytes as a {@link Sealer} gives. */
export function sealWhole(plan: SealPlan<Purpose>, content: Buffer): Buffer {
  if (content.length !== plan.plaintextLength)
    throw new RangeError('content of another length than the plan');
  const sealer = new Sealer(plan);
  const parts = [sealer.header()];
  const segmentSize = segmentSizeFor(content.length);
  for (let at = 0; at < content.length; at += segmentSize) {
    parts.push(sealer.append(sealer.compressSync(content.subarray(at, at + segmentSize))));
  }
  parts.push(sealer.trailer());
  return Buffer.concat(parts);
}

/** Length in bytes of the sealed file: exact without compression, else the most it can be. */
export function sealedLengthBound(
  plan: Pick<SealPlan<Purpose>, 'path' | 'metadata' | 'plaintextLength'>,
): number {
  const metadataLength = encodeMetadata(plan.path, plan.metadata).length;
  const tableLength = tableEntryBytes * segmentCountFor(plan.plaintextLength);
  return headBytes + metadataLength + plan.plaintextLength + tableLength + footerBytes;
}

/**
 * SHA-256 (hex) over what the sealed bytes depend on besides plan and content: two runs with another id may compress to
 * other bytes, so an interrupted sealing is not resumed across them.
 */
export function sealerId(plan: SealPlan<Purpose>): string {
  const { algorithm, level } = plan.compression;
  const { node, zstd } = process.versions;
  const parameters =
    algorithm === 'zstd'
      ? { ...zstdParameters(level, segmentSizeFor(plan.plaintextLength)), probeInterval, leastSaving }
      : {};
  const facts = { formatVersion, node, zstd, architecture: process.arch, algorithm, parameters };
  return hash('sha256', canonical(facts), 'hex');
}

function checkPlan(plan: SealPlan<Purpose>): void {
  const { key, iv, metadata, plaintextLength, compression } = plan;
  if (key.id.length !== 16 || key.secret.length !== 64) throw new RangeError('sealing key of another length');
  if (iv.length !== ivBytes) throw new RangeError('IV of another length');
  if (!Number.isInteger(plaintextLength) || plaintextLength < 0 || plaintextLength > maxPlaintextBytes) {
    throw new RangeError('content length outside the format');
  }
  if (metadata.size !== plaintextLength || metadata.purpose !== plan.purpose) {
    throw new RangeError('metadata contradicts the plan');
  }
  if (compression.algorithm === 'zstd' && !(compression.level >= 1 && compression.level <= 22)) {
    throw new RangeError('compression level outside 1 to 22');
  }
}
