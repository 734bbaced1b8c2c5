/** What head, footer and length of a sealed file say before any key is used: docs/format.md section 4.8, steps 1 to 3. */
import { Failure } from '../domain/failures.ts';
import {
  type CompressionAlgorithm,
  compressions,
  footerBytes,
  footerOffset,
  formatVersion,
  headBytes,
  ivBytes,
  magic,
  maxMetadataBytes,
  maxPlaintextBytes,
  segmentCountFor,
  segmentSizeFor,
  tableEntryBytes,
} from './layout.ts';

/** Not yet authenticated, but consistent in itself and with the file's length. All lengths in bytes. */
export interface Frame {
  readonly iv: Buffer;
  readonly keyId: Buffer;
  readonly formatVersion: number;
  readonly compression: CompressionAlgorithm;
  readonly segmentSize: number;
  readonly segmentCount: number;
  readonly plaintextLength: number;
  readonly ciphertextLength: number;
  readonly metadataLength: number;
  readonly tableLength: number;
}

/** The shortest sealed file: head, an empty path's length, footer. */
export const leastSealedBytes = headBytes + 2 + footerBytes;

/** Throws Failure `tampered` or `unsupported_format`. */
export function readFrame(head: Buffer, footer: Buffer, totalLength: number): Frame {
  if (totalLength < leastSealedBytes) throw damaged('too short');
  if (!footer.subarray(0, magic.length).equals(magic)) throw damaged('no footer');
  const compression = supportedCompression(footer);
  const metadataLength = head.readUInt32BE(ivBytes);
  const segmentSize = footer.readUInt32BE(footerOffset.segmentSize);
  const segmentCount = footer.readUInt32BE(footerOffset.segmentCount);
  const plaintextLength = readLength(footer, footerOffset.plaintextLength);
  const ciphertextLength = readLength(footer, footerOffset.ciphertextLength);
  const tableLength = readLength(footer, footerOffset.tableLength);
  const consistent =
    metadataLength >= 2 &&
    metadataLength <= maxMetadataBytes &&
    segmentSize === segmentSizeFor(plaintextLength) &&
    segmentCount === segmentCountFor(plaintextLength) &&
    tableLength === tableEntryBytes * segmentCount &&
    ciphertextLength <= plaintextLength &&
    totalLength === headBytes + metadataLength + ciphertextLength + tableLength + footerBytes;
  if (!consistent) throw damaged('its lengths contradict each other');
  return {
    iv: Buffer.from(head.subarray(0, ivBytes)),
    keyId: Buffer.from(footer.subarray(footerOffset.keyId, footerOffset.plaintextLength)),
    formatVersion,
    compression,
    segmentSize,
    segmentCount,
    plaintextLength,
    ciphertextLength,
    metadataLength,
    tableLength,
  };
}

export function damaged(detail: string): Failure {
  return new Failure('tampered', { detail });
}

function supportedCompression(footer: Buffer): CompressionAlgorithm {
  const version = footer.readUInt16BE(footerOffset.version);
  if (version !== formatVersion) throw unsupported(`sealed format version ${version}`);
  const number = footer.readUInt16BE(footerOffset.compression);
  const compression = (Object.keys(compressions) as CompressionAlgorithm[]).find(
    (name) => compressions[name] === number,
  );
  if (compression === undefined) throw unsupported(`compression ${number}`);
  const isReserved =
    isZero(footer, footerOffset.reservedWord, footerOffset.keyId) &&
    isZero(footer, footerOffset.reservedTail, footerOffset.mac);
  if (!isReserved) throw unsupported('reserved fields in use');
  return compression;
}

const zeros = Buffer.alloc(footerBytes);

const isZero = (bytes: Buffer, start: number, end: number): boolean =>
  bytes.compare(zeros, 0, end - start, start, end) === 0;

function unsupported(detail: string): Failure {
  return new Failure('unsupported_format', { detail });
}

/** A length as an exact number; no count or length of the format is above that of the plaintext's limit. */
function readLength(footer: Buffer, offset: number): number {
  const value = footer.readBigUInt64BE(offset);
  if (value > BigInt(maxPlaintextBytes)) throw damaged('its lengths are out of range');
  return Number(value);
}
