import { hash } from 'node:crypto';
import { type BigIntStats, fstatSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { RecordedAttributes } from '../domain/attributes.ts';
import { readAttributes } from './attributes.ts';
import type { Hashes } from './hash-descriptor.ts';
import { type HashProgress, hashElsewhere } from './hash-threads.ts';
import { sniffLengthBytes, sniffMediaType } from './sniff.ts';

/** What one undisturbed pass over a file's content found. */
export interface Fingerprint {
  readonly kind: 'fingerprint';
  /** fstat(2) of the handle, equal before and after the pass. */
  readonly stat: BigIntStats;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha512: string;
  readonly sha256: string;
  /** Plaintext bytes per segment; the last one may be shorter. */
  readonly segmentSize: number;
  /** SHA-256 of each segment, 32 bytes each, in order; empty for an empty file. */
  readonly segmentHashes: Buffer;
  /** From the first bytes, e.g. `application/pdf`; `application/octet-stream` when unknown. */
  readonly mediaType: string;
  readonly attributes: RecordedAttributes;
}

/** Progress is told every 4 MiB of a file above 8 MiB; e.g. to heartbeat. */
export interface FingerprintOptions extends HashProgress {
  /** Segment size in bytes for a content of that many bytes. */
  readonly segmentSizeFor: (sizeBytes: number) => number;
}

/** Up to this size a file is read at once and synchronously on this thread (3 ms per MiB), with one-shot hashes. */
const wholeReadLimitBytes = 8 * 1024 * 1024;

/**
 * Hashes an open file from its start in one pass and reads its attributes; `changed` when it did not stay the same
 * meanwhile (size, mtime, ctime or inode). Reads by position, so the handle's own position does not matter. Throws the read's system error,
 * or the signal's reason.
 */
export async function fingerprintFile(
  handle: FileHandle,
  options: FingerprintOptions,
): Promise<Fingerprint | { readonly kind: 'changed' }> {
  const stat = fstatSync(handle.fd, { bigint: true });
  const sizeBytes = Number(stat.size);
  const segmentSize = options.segmentSizeFor(sizeBytes);
  const hashes =
    sizeBytes <= wholeReadLimitBytes
      ? hashWhole(handle.fd, sizeBytes, segmentSize)
      : await hashElsewhere({ descriptor: handle.fd, sizeBytes, segmentSize }, options);
  if (hashes === undefined) return { kind: 'changed' };
  const attributes = readAttributes(handle.fd);
  if (!isSameState(stat, fstatSync(handle.fd, { bigint: true }))) return { kind: 'changed' };
  return { kind: 'fingerprint', stat, sizeBytes, segmentSize, ...hashes, attributes };
}

/**
 * The same of a small file, with what it holds: read and hashed at once on this thread.
 *
 * @param descriptor of a file of at most 8 MiB
 */
export function fingerprintSmall(
  descriptor: number,
  segmentSizeFor: FingerprintOptions['segmentSizeFor'],
): { readonly print: Fingerprint; readonly content: Buffer } | { readonly kind: 'changed' } {
  const stat = fstatSync(descriptor, { bigint: true });
  const sizeBytes = Number(stat.size);
  const segmentSize = segmentSizeFor(sizeBytes);
  const content = readAll(descriptor, sizeBytes);
  if (content === undefined) return { kind: 'changed' };
  const hashes = hashContent(content, segmentSize);
  const attributes = readAttributes(descriptor);
  if (!isSameState(stat, fstatSync(descriptor, { bigint: true }))) return { kind: 'changed' };
  return { print: { kind: 'fingerprint', stat, sizeBytes, segmentSize, ...hashes, attributes }, content };
}

/** True when two stats are of the same file in the same state. */
export function isSameState(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}

/** Undefined when the file ended early. */
function hashWhole(descriptor: number, sizeBytes: number, segmentSize: number): Hashes | undefined {
  const content = readAll(descriptor, sizeBytes);
  return content && hashContent(content, segmentSize);
}

/** Undefined when the file ended early. */
function readAll(descriptor: number, sizeBytes: number): Buffer | undefined {
  const content = Buffer.allocUnsafe(sizeBytes);
  for (let read = 0; read < sizeBytes; ) {
    const count = readSync(descriptor, content, read, sizeBytes - read, read);
    if (count === 0) return undefined;
    read += count;
  }
  return content;
}

function hashContent(content: Buffer, segmentSize: number): Hashes {
  const sha256 = hash('sha256', content, 'hex');
  return {
    sha512: hash('sha512', content, 'hex'),
    sha256,
    // The only segment of a small file is the whole file: its hash is known.
    segmentHashes:
      content.length <= segmentSize
        ? Buffer.from(content.length === 0 ? '' : sha256, 'hex')
        : hashSegments(content, segmentSize),
    mediaType: sniffMediaType(content.subarray(0, sniffLengthBytes)),
  };
}

function hashSegments(content: Buffer, segmentSize: number): Buffer {
  const hashes: Buffer[] = [];
  for (let at = 0; at < content.length; at += segmentSize) {
    hashes.push(hash('sha256', content.subarray(at, at + segmentSize), 'buffer'));
  }
  return Buffer.concat(hashes);
}
