import { createCipheriv, createHmac } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { deriveFileKeys } from '../../../src/sealed/keys.ts';
import {
  compressions,
  footerBytes,
  footerMacPrefix,
  footerOffset,
  formatVersion,
  headBytes,
  ivBytes,
  magic,
  rawFlag,
  segmentCountFor,
  segmentMacPrefix,
  segmentSizeFor,
  tableEntryBytes,
  tagBytes,
} from '../../../src/sealed/layout.ts';
import { mebibyte, noise, prose } from '../samples.ts';
import { footerFields, writeNumber } from './altered.ts';
import { key } from './corpus.ts';
import { hostileSegment, zstdBomb } from './hostile-segment.ts';
import { metadataBytes } from './metadata-bytes.ts';
import type { Random } from './random.ts';

/** A segment before encryption. */
interface Stored {
  readonly bytes: Buffer;
  readonly raw: boolean;
}

/** What is encrypted, and what the authenticated parts are told to say; everything is MACed as it then is. */
interface Forgery {
  readonly content: Buffer;
  readonly metadata: Buffer;
  readonly segments: readonly Stored[];
  readonly changeHead: (head: Buffer) => void;
  readonly changeTable: (table: Buffer) => Buffer;
  readonly changeFooter: (footer: Buffer) => void;
}

const contents: readonly Buffer[] = [
  ...[Buffer.alloc(0), Buffer.of(7), Buffer.alloc(70), noise(300), prose(300), prose(5_000)],
];
/** What a bomb says it is: long enough for all its blocks to fit in. */
const zeros = Buffer.alloc(mebibyte);
const largeContents: readonly Buffer[] = [prose(mebibyte), prose(mebibyte + 1), Buffer.alloc(2 * mebibyte)];

/**
 * Bytes of somebody who has the key: every MAC is right and what it covers is hostile, in one to three ways or in none.
 * `honest` is the content where nothing was made hostile.
 */
export function forgedBytes(random: Random): { bytes: Buffer; honest: Buffer | undefined } {
  const isBomb = random.chance(0.03);
  const content = isBomb ? zeros : random.pick(random.chance(0.02) ? largeContents : contents);
  let forgery: Forgery = {
    content,
    metadata: metadataBytes(content),
    segments: isBomb
      ? [{ bytes: zstdBomb(random), raw: false }]
      : storedSegments(content, random.chance(0.7)),
    changeHead: () => {},
    changeTable: (table) => table,
    changeFooter: () => {},
  };
  const ways = random.below(4);
  for (let left = ways; left > 0; left--) forgery = random.pick(hostilities)(forgery, random);
  return {
    bytes: forge(forgery, random.bytes(ivBytes)),
    honest: ways === 0 && !isBomb ? content : undefined,
  };
}

function storedSegments(content: Buffer, compress: boolean): readonly Stored[] {
  const size = segmentSizeFor(content.length);
  return Array.from({ length: segmentCountFor(content.length) }, (_, index) => {
    const plain = content.subarray(index * size, (index + 1) * size);
    const frame = zstdCompressSync(plain, { pledgedSrcSize: plain.length });
    return compress && frame.length < plain.length
      ? { bytes: frame, raw: false }
      : { bytes: plain, raw: true };
  });
}

const hostilities: readonly ((forgery: Forgery, random: Random) => Forgery)[] = [
  (forgery, random) => ({ ...forgery, metadata: metadataBytes(forgery.content, random) }),
  (forgery, random) => ({ ...forgery, segments: hostileSegments(forgery.segments, random) }),
  (forgery) => ({ ...forgery, segments: storedSegments(prose(forgery.content.length, 'other'), true) }),
  (forgery, random) => ({ ...forgery, changeHead: (head) => writeNumber(head, [ivBytes, 4], random) }),
  (forgery, random) => ({
    ...forgery,
    changeFooter: (footer) => writeNumber(footer, random.pick(footerFields), random),
  }),
  (forgery, random) => ({ ...forgery, changeTable: (table) => hostileTable(table, random) }),
];

function hostileSegments(segments: readonly Stored[], random: Random): readonly Stored[] {
  const at = random.below(segments.length + 1);
  const segment = segments[at];
  if (segment === undefined) return [...segments, { bytes: random.bytes(20), raw: true }];
  switch (random.below(6)) {
    case 0:
      return segments.filter((_, place) => place !== at);
    case 1:
      return [...segments.slice(0, at), segment, ...segments.slice(at)];
    case 2:
      return segments.with(at, { ...segment, raw: !segment.raw });
    default:
      return segments.with(at, { bytes: hostileSegment(segment.bytes, random), raw: random.chance(0.1) });
  }
}

function hostileTable(table: Buffer, random: Random): Buffer {
  if (table.length === 0 || random.chance(0.2)) return Buffer.concat([table, random.bytes(tableEntryBytes)]);
  const at = random.below(table.length / tableEntryBytes) * tableEntryBytes;
  switch (random.below(3)) {
    case 0:
      return Buffer.concat([table.subarray(0, at), table.subarray(at + tableEntryBytes)]);
    case 1:
      table.writeUInt8(random.below(256), at + random.below(tableEntryBytes));
      return table;
    default:
      writeNumber(table, [at, 4], random);
      return table;
  }
}

/** Docs/format.md section 4 once more, without a single check. */
function forge(forgery: Forgery, iv: Buffer): Buffer {
  const keys = deriveFileKeys(key, 'content', iv);
  const mac = (...parts: readonly Buffer[]): Buffer => {
    const hmac = createHmac('sha256', keys.authenticate);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  };
  const cipher = createCipheriv('aes-256-ctr', keys.encrypt, iv);
  const encryptedMetadata = cipher.update(forgery.metadata);
  const encrypted = forgery.segments.map(({ bytes }) => cipher.update(bytes));

  const head = Buffer.alloc(headBytes);
  iv.copy(head);
  head.writeUInt32BE(forgery.metadata.length, ivBytes);
  forgery.changeHead(head);

  const entries = encrypted.map((ciphertext, index) => {
    const entry = Buffer.alloc(tableEntryBytes);
    entry.writeUInt32BE(ciphertext.length + (forgery.segments[index]?.raw ? rawFlag : 0));
    const prefix = Buffer.of(segmentMacPrefix, 0, 0, 0, index);
    mac(prefix, ciphertext).copy(entry, 4, 0, tagBytes);
    return entry;
  });
  const table = forgery.changeTable(Buffer.concat(entries));

  const footer = Buffer.alloc(footerBytes);
  const { length } = forgery.content;
  magic.copy(footer);
  footer.writeUInt16BE(formatVersion, footerOffset.version);
  footer.writeUInt16BE(compressions.zstd, footerOffset.compression);
  footer.writeUInt32BE(segmentSizeFor(length), footerOffset.segmentSize);
  footer.writeUInt32BE(segmentCountFor(length), footerOffset.segmentCount);
  key.id.copy(footer, footerOffset.keyId);
  footer.writeBigUInt64BE(BigInt(length), footerOffset.plaintextLength);
  const ciphertextLength = encrypted.reduce((sum, bytes) => sum + bytes.length, 0);
  footer.writeBigUInt64BE(BigInt(ciphertextLength), footerOffset.ciphertextLength);
  footer.writeBigUInt64BE(BigInt(table.length), footerOffset.tableLength);
  forgery.changeFooter(footer);
  const macked = footer.subarray(0, footerOffset.mac);
  mac(Buffer.of(footerMacPrefix), head, encryptedMetadata, table, macked).copy(footer, footerOffset.mac);
  return Buffer.concat([head, encryptedMetadata, ...encrypted, table, footer]);
}
