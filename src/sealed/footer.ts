/** Writing the footer: docs/format.md section 4.7. */
import { createHmac, type KeyObject } from 'node:crypto';
import {
  type CompressionAlgorithm,
  compressions,
  footerBytes,
  footerMacPrefix,
  footerOffset,
  formatVersion,
  magic,
} from './layout.ts';

export interface FooterFields {
  readonly compression: CompressionAlgorithm;
  readonly segmentSize: number;
  readonly segmentCount: number;
  /** 16 bytes. */
  readonly keyId: Buffer;
  readonly plaintextLength: number;
  readonly ciphertextLength: number;
}

/** What the footer's MAC covers before the footer itself. */
export interface FooterSubject {
  /** IV and metadata length. */
  readonly head: Buffer;
  readonly encryptedMetadata: Buffer;
  readonly table: Buffer;
}

const footerPrefix = Buffer.of(footerMacPrefix);

/** The 128 bytes that end a sealed file. */
export function encodeFooter(fields: FooterFields, subject: FooterSubject, macKey: KeyObject): Buffer {
  const footer = Buffer.alloc(footerBytes);
  magic.copy(footer, footerOffset.magic);
  footer.writeUInt16BE(formatVersion, footerOffset.version);
  footer.writeUInt16BE(compressions[fields.compression], footerOffset.compression);
  footer.writeUInt32BE(fields.segmentSize, footerOffset.segmentSize);
  footer.writeUInt32BE(fields.segmentCount, footerOffset.segmentCount);
  fields.keyId.copy(footer, footerOffset.keyId);
  footer.writeBigUInt64BE(BigInt(fields.plaintextLength), footerOffset.plaintextLength);
  footer.writeBigUInt64BE(BigInt(fields.ciphertextLength), footerOffset.ciphertextLength);
  footer.writeBigUInt64BE(BigInt(subject.table.length), footerOffset.tableLength);
  createHmac('sha256', macKey)
    .update(footerPrefix)
    .update(subject.head)
    .update(subject.encryptedMetadata)
    .update(subject.table)
    .update(footer.subarray(0, footerOffset.mac))
    .digest()
    .copy(footer, footerOffset.mac);
  return footer;
}
