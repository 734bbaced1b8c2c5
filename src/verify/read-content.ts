import { createHash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import { type PromisedFile, type PromisedObject, packMembers } from '../catalog/verify-query.ts';
import { Failure } from '../domain/failures.ts';
import { type ReadDeps, recordedSegments } from '../restore/content.ts';
import { retrying } from '../restore/retry.ts';
import { believed } from './believed.ts';
import { asRow } from './promised-row.ts';
import { type ContentRead, readPack } from './read-pack.ts';

/**
 * Reads an object's content as a restore would, every segment authenticated and the whole held against its SHA-512. Of
 * openpgp content, which this host need not be able to open, the sealed bytes are held against their SHA-256 instead.
 *
 * A read that finds other bytes is done once more before that is believed. Failures: `s3_unavailable` and what else
 * says nothing about the object, and `interrupted`.
 */
export async function readContent(
  { catalog, reading }: ContentReading,
  destination: string,
  object: PromisedObject,
  onBytes: (count: number) => void,
): Promise<ContentRead> {
  const { holds } = object;
  if (holds.kind === 'pack') {
    return readPack(reading, destination, object, await packMembers(catalog, object.id), onBytes);
  }
  const read = object.format === 'openpgp' ? readSealedBytes : readSegments;
  return { result: await believed(() => read(reading, destination, object, holds, onBytes)) };
}

export interface ContentReading {
  readonly catalog: Catalog;
  readonly reading: ReadDeps;
}

async function readSegments(
  deps: ReadDeps,
  destination: string,
  object: PromisedObject,
  file: PromisedFile,
  onBytes: (count: number) => void,
): Promise<void> {
  const { row, version } = asRow(destination, object, file);
  for await (const plain of recordedSegments(deps, row, version)) onBytes(plain.length);
}

async function readSealedBytes(
  { stores, signal, retryPausesMs }: ReadDeps,
  destination: string,
  { key, s3VersionId: versionId }: PromisedObject,
  { sealedSha256 }: PromisedFile,
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
