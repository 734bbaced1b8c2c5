import type { Lock, LockMode } from '../domain/records.ts';

/**
 * Immutable object storage: S3 with versioning and Object Lock, reduced to what Holdfast needs.
 *
 * Rules every implementation keeps (one suite, test/storage/contract.ts, holds them to it):
 * - Keys are complete: the store adds no prefix.
 * - An object is always named by key *and* version id; no call means "the newest".
 * - Everything written carries a lock of its own, never the bucket's default retention, and a SHA-256 the
 *   server checks. Times are the server's.
 * - Nothing is overwritten: a key that holds an object answers `exists`. A delete marker on top frees the
 *   key, so `stored` does not mean that no older version exists.
 * - Expected answers are values. Failures are `s3_unavailable`, `s3_denied`, `s3_wrong_region`, `s3_corrupt`,
 *   `bucket_missing`, and where a call says so `object_missing`, `upload_missing`, `bucket_without_lock`,
 *   `lock_refused`; their facts never hold a key.
 * - A call that failed may have taken effect. Calls are safe to repeat: a write that had landed answers `exists`
 *   or `upload_gone`, and {@link ObjectStore.versionsOf} tells what is there.
 */
export interface ObjectStore {
  /** The destination's name in the configuration. */
  readonly name: string;

  /** Asks the bucket what it is; costs three requests. `bucket_missing` if there is none. */
  facts(): Promise<DestinationFacts>;

  /**
   * Makes the bucket with versioning and Object Lock, or checks that the present one has both:
   * `bucket_without_lock` if it has not, because Object Lock cannot be relied on there.
   */
  ensureBucket(): Promise<'made' | 'present'>;

  /** The lock that `days` from the server's now gives: whole seconds, rounded up. */
  lockUntil(lock: LockDays): Promise<Lock>;

  /** One PUT from memory, `If-None-Match: *` unless `onTop`. `s3_corrupt` if `body` does not have `sha256`. */
  put(object: PutRequest): Promise<PutResult>;

  /**
   * Stores a short document that is never resumed (keyring, manifest): one PUT up to 5 MiB, above that in
   * parts, which makes its checksum composite.
   */
  putSmallDocument(document: { key: string; body: Buffer; lock: LockDays }): Promise<PutResult>;

  /** Begins an upload. The lock is fixed now: extend it after Complete if the upload took long. */
  createMultipart(object: { key: string; lock: LockDays }): Promise<{ uploadId: string; lock: Lock }>;

  /** Parts are 1 to 10,000, all but the last at least 5 MiB. Repeating a part replaces it. `upload_missing`. */
  uploadPart(part: UploadPartRequest): Promise<{ etag: string }>;

  /** Every part the server has, in order; undefined when it does not know the upload (any more). */
  listParts(upload: UploadName): Promise<readonly Part[] | undefined>;

  /**
   * Joins `parts` (ascending, at least one) into one object, `If-None-Match: *` unless `onTop`. `s3_corrupt` if one of
   * them is not what the server has.
   */
  completeMultipart(
    upload: UploadName & { parts: readonly Part[]; onTop?: boolean },
  ): Promise<CompleteResult>;

  /** Drops the upload and its parts; done also when there is none. */
  abortMultipart(upload: UploadName): Promise<void>;

  /**
   * Open uploads whose key begins with `prefix`. Of several uploads of one key, some may be left out at a page's
   * end by servers that page by key only; they come when the others are gone.
   */
  listMultiparts(prefix: string): AsyncIterable<OpenUpload>;

  /**
   * What the server knows about one version; undefined if there is none (or it is a delete marker).
   * No `lock` means that there is none: not being allowed to see it is `s3_denied`.
   */
  head(object: VersionName): Promise<ObjectFacts | undefined>;

  /** `range` must lie inside the object: `s3_corrupt` when fewer bytes come. `object_missing`. */
  get(object: VersionName & { range?: ByteRange }): Promise<Buffer>;

  /** As {@link ObjectStore.get}, in pieces of any size; a fault in the middle is thrown by the iteration. */
  getStream(object: VersionName & { range?: ByteRange }): Promise<AsyncIterable<Buffer>>;

  /** Every version and delete marker below `prefix`, by key, newest first. */
  listVersions(prefix: string): AsyncIterable<ListedVersion>;

  /** Every version and delete marker of exactly this key, newest first. */
  versionsOf(key: string): Promise<readonly ListedVersion[]>;

  /**
   * Makes the lock at least `lock` and answers what is in force, read back. Never shortens or weakens, and
   * leaves a lock that would gain less than an hour. `object_missing`; `lock_refused` when what is in force
   * afterwards is less than asked (S3 does not turn GOVERNANCE into COMPLIANCE without a bypass).
   */
  extendLock(object: VersionName & { lock: Lock }): Promise<Lock>;

  /**
   * Puts a legal hold on this version or takes it off, whatever its lock. `unsupported`: this server has none.
   * `object_missing`.
   */
  setLegalHold(object: VersionName & { isHeld: boolean }): Promise<'set' | 'unsupported'>;

  /** Deletes exactly this version, never with a governance bypass; `refused` while it is locked or held. */
  deleteVersion(object: VersionName): Promise<'deleted' | 'refused'>;

  /** Closes idle connections; calls after it are undefined. */
  close(): void;
}

export interface DestinationFacts {
  readonly jurisdiction: string;
  readonly region: string;
  /** Whether requests travel encrypted. */
  readonly tls: boolean;
  /** Whether the address is this machine. */
  readonly loopback: boolean;
  readonly versioning: boolean;
  readonly objectLock: boolean;
  /** What the bucket gives objects that ask for nothing; ours always ask. */
  readonly defaultRetention?: LockDays;
  readonly serverTime: Date;
  /** Server's clock minus ours; accurate to about a second. */
  readonly clockSkewMs: number;
}

export interface LockDays {
  readonly mode: LockMode;
  /** Whole days, at least 1. */
  readonly days: number;
}

export interface VersionName {
  readonly key: string;
  readonly versionId: string;
}

export interface UploadName {
  readonly key: string;
  readonly uploadId: string;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface PutRequest {
  readonly key: string;
  readonly body: Buffer;
  /** SHA-256 of `body`, 32 bytes. */
  readonly sha256: Buffer;
  readonly lock: LockDays;
  /** Becomes a further version where the key holds an object already: to repair one. Never `exists` then. */
  readonly onTop?: boolean;
}

/** `lock` is what was asked for, to compare with what {@link ObjectStore.head} reads back. */
export type PutResult = { kind: 'stored'; versionId: string; lock: Lock } | { kind: 'exists' };

export interface UploadPartRequest extends UploadName {
  readonly partNumber: number;
  readonly body: Buffer;
  /** SHA-256 of `body`, 32 bytes. */
  readonly sha256: Buffer;
}

export interface Part {
  readonly partNumber: number;
  readonly etag: string;
  readonly sha256: Buffer;
  readonly lengthBytes: number;
}

/**
 * - `stored`: the object exists.
 * - `exists`: the key holds an object already; perhaps this one, if an earlier Complete was cut off.
 * - `conflict`: another write of the key was under way; the upload is lost, all parts go again.
 * - `upload_gone`: no such upload (any more): completed by an earlier call whose answer was lost, or aborted.
 */
export type CompleteResult =
  | { kind: 'stored'; versionId: string }
  | { kind: 'exists' }
  | { kind: 'conflict' }
  | { kind: 'upload_gone' };

export interface OpenUpload extends UploadName {
  readonly initiatedAt: Date;
}

/**
 * `whole`: SHA-256 of the bytes. `composite`: SHA-256 of the parts' SHA-256, see `compositeSha256`.
 */
export interface StoredChecksum {
  readonly kind: 'whole' | 'composite';
  readonly sha256: Buffer;
}

export interface ObjectFacts {
  readonly lengthBytes: number;
  /** Missing where the object was stored without SHA-256: never the case for ours. */
  readonly checksum?: StoredChecksum;
  readonly lock?: Lock;
  readonly legalHold: boolean;
}

export interface ListedVersion extends VersionName {
  readonly isDeleteMarker: boolean;
  /** 0 for a delete marker. */
  readonly lengthBytes: number;
  readonly lastModified: Date;
}
