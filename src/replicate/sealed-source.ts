import { createHash, hash } from 'node:crypto';
import type { CopySource } from '../catalog/replicate-query.ts';
import { Failure } from '../domain/failures.ts';
import type { ReleaseInput } from '../domain/records.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { foundSealing, statedSealing } from '../pipeline/sealing.ts';
import { type ReadDeps, recordedSegments } from '../restore/content.ts';
import { retrying } from '../restore/retry.ts';
import { openBytes, openSealed } from '../sealed/open.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Sealed files up to this length are read, checked and sent as a whole, unless they were sent in parts before. Bytes. */
const wholeBytes = 16 * 1024 * 1024;

/** A sealed file as it lies in a destination, found to be the version's content by a reader that trusts nothing. */
export interface VerifiedSource {
  readonly source: CopySource;
  /** What release is told of it. */
  readonly sealing: ReleaseInput['sealing'];
  /** Set where it goes with one request. */
  readonly whole?: { readonly bytes: Buffer; readonly sha256: Buffer };
  /** Reads a stretch of it. */
  readonly read: (offset: number, length: number) => Promise<Buffer>;
}

/**
 * Reads a sealed file where it lies and holds it against the version: authenticated, of the recorded key, of the recorded
 * SHA-512; of an OpenPGP message, which this host need not be able to open, the recorded SHA-256 of its bytes. Failures:
 * `tampered`, `unsupported_format`, `unknown_key`, `object_missing`, `destination_unknown` and the store's.
 */
export async function verifySource(
  context: PipelineContext,
  reading: ReadDeps,
  version: ScannedVersion,
  source: CopySource,
): Promise<VerifiedSource> {
  const store = reading.stores.get(source.destination);
  if (store === undefined) throw new Failure('destination_unknown', { destination: source.destination });
  const read = readerOf(reading, store, source);
  const isWhole = source.partSize === undefined && source.length <= wholeBytes;
  if (source.format === 'openpgp') return verifyMessage(context, version, source, read, isWhole);
  if (isWhole) return verifyWhole(context, version, source, read);
  const { keyId, metadata } = await openSealed(
    { lengthBytes: source.length, read },
    openOptions(context, source),
  );
  for await (const _ of recordedSegments(reading, source.madeFor, restorable(version, source))) {
    // Each is authenticated as it comes, and all of them against the SHA-512 at the end.
  }
  return { source, read, sealing: foundSealing(context, version, { keyId, metadata }, true) };
}

async function verifyWhole(
  context: PipelineContext,
  version: ScannedVersion,
  source: CopySource,
  read: VerifiedSource['read'],
): Promise<VerifiedSource> {
  const bytes = await read(0, source.length);
  const opened = openBytes(bytes, openOptions(context, source));
  if (!hash('sha512', opened.content(), 'buffer').equals(version.content.sha512)) throw otherContent();
  const sealing = foundSealing(context, version, opened, true);
  return { source, read, sealing, whole: { bytes, sha256: hash('sha256', bytes, 'buffer') } };
}

async function verifyMessage(
  context: PipelineContext,
  version: ScannedVersion,
  source: CopySource,
  read: VerifiedSource['read'],
  isWhole: boolean,
): Promise<VerifiedSource> {
  const digest = createHash('sha256');
  const pieces: Buffer[] = [];
  for (const [offset, length] of stretches(source.length, stretchBytes)) {
    const bytes = await read(offset, length);
    digest.update(bytes);
    if (isWhole) pieces.push(bytes);
  }
  const sha256 = digest.digest();
  if (source.sealedSha256 === undefined || !sha256.equals(source.sealedSha256)) throw otherContent();
  const sealing = statedSealing(context, version, 'existing-object', source.keyId);
  return { source, read, sealing, ...(isWhole ? { whole: { bytes: Buffer.concat(pieces), sha256 } } : {}) };
}

const stretchBytes = 8 * 1024 * 1024;

/** Offsets and lengths that cover so many bytes. */
export function* stretches(lengthBytes: number, stretch = stretchBytes): Generator<[number, number]> {
  for (let offset = 0; offset < lengthBytes; offset += stretch)
    yield [offset, Math.min(stretch, lengthBytes - offset)];
}

function readerOf(
  { signal, retryPausesMs }: ReadDeps,
  store: ObjectStore,
  { key, s3VersionId: versionId, offset: start }: CopySource,
): VerifiedSource['read'] {
  return (offset, length) =>
    retrying(
      () => store.get({ key, versionId, range: { offset: start + offset, length } }),
      signal,
      retryPausesMs,
    );
}

function openOptions({ keys }: PipelineContext, { keyId }: CopySource) {
  return {
    keys: (id: Buffer) => {
      if (id.toString('hex') !== keyId) throw otherContent();
      return keys.byId(id);
    },
    purpose: 'content' as const,
  };
}

function restorable({ content }: ScannedVersion, { madeFor, lock: _, ...source }: CopySource) {
  return {
    ...{ id: madeFor.versionId, kind: 'file' as const, mode: 0, uid: 0, gid: 0, mtimeNs: 0n },
    ...{ sizeBytes: content.sizeBytes, sha512: content.sha512 },
    place: { ...source, madeFor: madeFor.versionId },
  };
}

const otherContent = (): Failure =>
  new Failure('tampered', { detail: 'it is another sealed file than the catalog names' });
