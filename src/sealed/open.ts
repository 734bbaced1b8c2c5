/**
 * Opening a sealed file: docs/format.md section 4.8. It shares key derivation and constants with the sealer and no code
 * that makes sealed bytes, because release lets it judge the sealer's bytes before they leave the host.
 */
import {
  createDecipheriv,
  createHash,
  createHmac,
  type Decipheriv,
  hash,
  timingSafeEqual,
} from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import { deriveFileKeys, type FileKeys, type Purpose, type SealingKey } from './keys.ts';
import { footerBytes, footerMacBytes, footerMacPrefix, headBytes } from './layout.ts';
import { decodeMetadata, type MetadataOf } from './metadata.ts';
import { damaged, type Frame, leastSealedBytes, readFrame } from './read-frame.ts';
import { type SegmentRange, SegmentReader } from './read-segment.ts';

/** Bytes to open, of known length. `read` gives exactly `length` bytes from `offset`, or rejects. */
export interface ByteSource {
  readonly lengthBytes: number;
  read(offset: number, length: number): Promise<Buffer>;
}

export interface OpenOptions<P extends Purpose = 'content'> {
  /** The sealing key with that id (16 bytes), or undefined. */
  readonly keys: (id: Buffer) => SealingKey | undefined;
  /** The purpose the bytes must have been sealed for. */
  readonly purpose: P;
}

/** Authenticated facts of a sealed file. All lengths in bytes. */
export interface SealedFacts<P extends Purpose = 'content'> {
  readonly iv: Buffer;
  readonly keyId: Buffer;
  readonly formatVersion: number;
  readonly compression: Frame['compression'];
  readonly segmentSize: number;
  readonly segmentCount: number;
  readonly plaintextLength: number;
  readonly ciphertextLength: number;
  readonly path: Buffer;
  readonly metadata: MetadataOf<P>;
}

export interface OpenedSealed<P extends Purpose = 'content'> extends SealedFacts<P> {
  /** Where the encrypted bytes of segment `index` lie in the file. */
  segmentRange(index: number): SegmentRange;
  /** Plaintext of one segment from its encrypted bytes. Throws Failure `tampered`; RangeError for no such segment. */
  openSegment(index: number, ciphertext: Buffer): Promise<Buffer>;
  /**
   * All plaintext segments in order, read from the source. Failure `tampered` comes instead of the last one where the
   * whole does not have the metadata's SHA-512.
   */
  segments(): AsyncGenerator<Buffer, void, undefined>;
}

export interface OpenedBytes<P extends Purpose = 'content'> extends SealedFacts<P> {
  /** The whole content, checked against the metadata's SHA-512. Throws Failure `tampered`. */
  content(): Buffer;
}

/** What a MAC has vouched for, and the means to open segments. */
interface Opened<P extends Purpose> {
  readonly facts: SealedFacts<P>;
  readonly reader: SegmentReader;
  /** After the metadata: what it decrypts next are the segments. */
  readonly keystream: Decipheriv;
}

/**
 * Reads and verifies everything but the segments: 20 bytes and the footer, then metadata and table.
 * Throws Failure `tampered`, `unsupported_format` or `unknown_key`.
 */
export async function openSealed<P extends Purpose>(
  source: ByteSource,
  options: OpenOptions<P>,
): Promise<OpenedSealed<P>> {
  if (source.lengthBytes < leastSealedBytes) throw damaged('too short');
  const footerAt = source.lengthBytes - footerBytes;
  const [head, footer] = await Promise.all([
    readExactly(source, 0, headBytes),
    readExactly(source, footerAt, footerBytes),
  ]);
  const frame = readFrame(head, footer, source.lengthBytes);
  const [encryptedMetadata, table] = await Promise.all([
    readExactly(source, headBytes, frame.metadataLength),
    readExactly(source, footerAt - frame.tableLength, frame.tableLength),
  ]);
  const { facts, reader } = authenticate(frame, { head, encryptedMetadata, table, footer }, options);
  const openNext = async (index: number): Promise<Buffer> => {
    const { offset, length } = reader.range(index);
    return reader.open(index, await readExactly(source, offset, length));
  };
  return {
    ...facts,
    segmentRange: (index) => reader.range(index),
    openSegment: (index, ciphertext) => reader.open(index, ciphertext),
    segments: () => verifiedSegments(facts, openNext),
  };
}

/** Opens a small sealed file that is in memory. Throws like {@link openSealed}. */
export function openBytes<P extends Purpose>(sealed: Buffer, options: OpenOptions<P>): OpenedBytes<P> {
  if (sealed.length < leastSealedBytes) throw damaged('too short');
  const footerAt = sealed.length - footerBytes;
  const head = sealed.subarray(0, headBytes);
  const footer = sealed.subarray(footerAt);
  const frame = readFrame(head, footer, sealed.length);
  const encryptedMetadata = sealed.subarray(headBytes, headBytes + frame.metadataLength);
  const table = sealed.subarray(footerAt - frame.tableLength, footerAt);
  const { facts, reader, keystream } = authenticate(
    frame,
    { head, encryptedMetadata, table, footer },
    options,
  );
  let content: Buffer | undefined;
  return {
    ...facts,
    content: () => {
      content ??= verifiedContent(facts, reader.openAllSync(sealed, keystream));
      return content;
    },
  };
}

interface Sections {
  readonly head: Buffer;
  readonly encryptedMetadata: Buffer;
  readonly table: Buffer;
  readonly footer: Buffer;
}

/** Steps 4 to 7. */
function authenticate<P extends Purpose>(
  frame: Frame,
  sections: Sections,
  options: OpenOptions<P>,
): Opened<P> {
  const key = options.keys(frame.keyId);
  if (key === undefined) throw new Failure('unknown_key', { keyId: frame.keyId.toString('hex') });
  const keys = deriveFileKeys(key, options.purpose, frame.iv);
  verifyFooter(sections, keys);
  const reader = new SegmentReader(frame, keys, sections.table);
  const keystream = createDecipheriv('aes-256-ctr', keys.encrypt, frame.iv);
  const { path, metadata } = decodeMetadata(keystream.update(sections.encryptedMetadata), options.purpose);
  if (metadata.size !== frame.plaintextLength || metadata.purpose !== options.purpose) {
    throw damaged('its metadata contradicts the footer');
  }
  const { metadataLength: _, tableLength: __, ...facts } = frame;
  return { facts: { ...facts, path, metadata }, reader, keystream };
}

const footerPrefix = Buffer.of(footerMacPrefix);

function verifyFooter(sections: Sections, keys: FileKeys): void {
  const macAt = footerBytes - footerMacBytes;
  const mac = createHmac('sha256', keys.authenticate)
    .update(footerPrefix)
    .update(sections.head)
    .update(sections.encryptedMetadata)
    .update(sections.table)
    .update(sections.footer.subarray(0, macAt))
    .digest();
  if (!timingSafeEqual(mac, sections.footer.subarray(macAt)))
    throw damaged('its footer does not authenticate');
}

async function* verifiedSegments(
  facts: SealedFacts<Purpose>,
  openNext: (index: number) => Promise<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const digest = createHash('sha512');
  for (let index = 0; index < facts.segmentCount; index++) {
    const plain = await openNext(index);
    digest.update(plain);
    if (index === facts.segmentCount - 1) checkDigest(facts, digest.digest('hex'));
    yield plain;
  }
  if (facts.segmentCount === 0) checkDigest(facts, digest.digest('hex'));
}

function verifiedContent(facts: SealedFacts<Purpose>, plain: readonly Buffer[]): Buffer {
  const content = plain.length === 1 && plain[0] ? plain[0] : Buffer.concat(plain);
  checkDigest(facts, hash('sha512', content, 'hex'));
  return content;
}

function checkDigest(facts: SealedFacts<Purpose>, sha512: string): void {
  if (sha512 !== facts.metadata.sha512) throw damaged('its content does not have the recorded SHA-512');
}

async function readExactly(source: ByteSource, offset: number, length: number): Promise<Buffer> {
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) throw damaged('it ends early');
  return bytes;
}
