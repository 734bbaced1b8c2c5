import { createHash } from 'node:crypto';
import type { PromisedObject } from '../catalog/verify-query.ts';
import { Failure, type FailureCode, isFailure } from '../domain/failures.ts';
import { type ReadDeps, recordedSegments } from '../restore/content.ts';
import { retrying } from '../restore/retry.ts';

/**
 * Reads an object's content as a restore would, every segment authenticated and the whole held against its SHA-512. Of
 * openpgp content, which this host need not be able to open, the sealed bytes are held against their SHA-256 instead.
 *
 * A read that finds other bytes is done once more before that is believed. Failures: `s3_unavailable` and what else
 * says nothing about the object, and `interrupted`.
 */
export async function readContent(
  deps: ReadDeps,
  destination: string,
  object: PromisedObject,
  onBytes: (count: number) => void,
): Promise<'ok' | 'missing' | 'tampered' | 'unreadable'> {
  const read = object.format === 'openpgp' ? readSealedBytes : readSegments;
  const first = await outcome(() => read(deps, destination, object, onBytes));
  return first === 'tampered' ? outcome(() => read(deps, destination, object, onBytes)) : first;
}

async function outcome(read: () => Promise<void>): Promise<'ok' | 'missing' | 'tampered' | 'unreadable'> {
  try {
    await read();
    return 'ok';
  } catch (error) {
    if (isFailure(error, 'unknown_key')) return 'unreadable';
    if (isFailure(error, 'object_missing')) return 'missing';
    if (isFailure(error) && otherBytes.includes(error.code)) return 'tampered';
    throw error;
  }
}

/** The store's `s3_corrupt` was tried again and again by then: the bytes do not come as they were written. */
const otherBytes: readonly FailureCode[] = ['tampered', 'unsupported_format', 's3_corrupt'];

async function readSegments(
  deps: ReadDeps,
  destination: string,
  object: PromisedObject,
  onBytes: (count: number) => void,
): Promise<void> {
  const { madeFor, sha512, sizeBytes, key, s3VersionId, lengthBytes, format, keyId } = object;
  const { versionId, entryId, path } = madeFor;
  const place = {
    destination,
    key,
    s3VersionId,
    offset: 0,
    length: lengthBytes,
    format,
    keyId,
    madeFor: versionId,
  };
  const version = { ...noMetadata, id: versionId, kind: 'file', sizeBytes, sha512, place } as const;
  for await (const plain of recordedSegments(deps, { entryId, path }, version)) onBytes(plain.length);
}

/** Reading looks at content alone. */
const noMetadata = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n };

async function readSealedBytes(
  { stores, signal, retryPausesMs }: ReadDeps,
  destination: string,
  { key, s3VersionId: versionId, sealedSha256 }: PromisedObject,
  onBytes: (count: number) => void,
): Promise<void> {
  const store = stores.get(destination);
  if (store === undefined) throw new TypeError('an object of a destination that was not asked for');
  const digest = await retrying(
    async () => {
      const hash = createHash('sha256');
      for await (const piece of await store.getStream({ key, versionId })) {
        hash.update(piece);
        onBytes(piece.length);
      }
      return hash.digest();
    },
    signal,
    retryPausesMs,
  );
  if (sealedSha256 === undefined || !digest.equals(sealedSha256)) {
    throw new Failure('tampered', { detail: 'it does not have the recorded SHA-256' });
  }
}
