import { retrying } from '../restore/retry.ts';
import type { ByteSource } from '../sealed/open.ts';
import type { ObjectStore, VersionName } from '../storage/object-store.ts';

/** The bucket that is read: listed and read only, never written. */
export interface Bucket {
  readonly store: ObjectStore;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  /** Pauses between the tries of a request that was not answered, ms. */
  readonly retryPausesMs: readonly number[];
}

/** An object version of the bucket, by its name without prefix. */
export interface FoundVersion {
  readonly name: string;
  readonly versionId: string;
  readonly lengthBytes: number;
  readonly modifiedMs: number;
}

/** All bytes of an object version. */
export function readWhole({ store, signal, retryPausesMs }: Bucket, object: VersionName): Promise<Buffer> {
  return retrying(() => store.get(object), signal, retryPausesMs);
}

/** A sealed file up to this length costs one request. Bytes. */
const wholeBytes = 128 * 1024;
/** Else its beginning and its end, which usually hold all that is asked for, are read at once. Bytes. */
const edgeBytes = 32 * 1024;

/** Reads an object version in few requests where only what surrounds its content is wanted. */
export function edgesOf(bucket: Bucket, object: VersionName, lengthBytes: number): ByteSource {
  const { store, signal, retryPausesMs } = bucket;
  const fetch = (offset: number, length: number): Promise<Buffer> =>
    retrying(() => store.get({ ...object, range: { offset, length } }), signal, retryPausesMs);
  const isWhole = lengthBytes <= wholeBytes;
  const headBytes = isWhole ? lengthBytes : edgeBytes;
  const tailAt = lengthBytes - edgeBytes;
  let head: Promise<Buffer> | undefined;
  let tail: Promise<Buffer> | undefined;
  return {
    lengthBytes,
    async read(offset, length) {
      if (offset + length <= headBytes) {
        head ??= fetch(0, headBytes);
        return (await head).subarray(offset, offset + length);
      }
      if (offset < tailAt) return fetch(offset, length);
      tail ??= fetch(tailAt, edgeBytes);
      return (await tail).subarray(offset - tailAt, offset - tailAt + length);
    },
  };
}

/** Holds the index of a pack of some thousand members. Bytes. */
const tailBytes = 256 * 1024;

/** Reads an object version in one request where only its end is wanted. */
export function tailOf(bucket: Bucket, object: VersionName, lengthBytes: number): ByteSource {
  const { store, signal, retryPausesMs } = bucket;
  const fetch = (offset: number, length: number): Promise<Buffer> =>
    retrying(() => store.get({ ...object, range: { offset, length } }), signal, retryPausesMs);
  const tailAt = Math.max(0, lengthBytes - tailBytes);
  let tail: Promise<Buffer> | undefined;
  return {
    lengthBytes,
    async read(offset, length) {
      if (offset < tailAt) return fetch(offset, length);
      tail ??= fetch(tailAt, lengthBytes - tailAt);
      return (await tail).subarray(offset - tailAt, offset - tailAt + length);
    },
  };
}
