import { createHash } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import { compositeSha256, extension, lockFrom } from './locks.ts';
import type {
  ByteRange,
  CompleteResult,
  DestinationFacts,
  ListedVersion,
  LockDays,
  ObjectFacts,
  ObjectStore,
  OpenUpload,
  Part,
  PutRequest,
  PutResult,
  StoredChecksum,
  UploadName,
  UploadPartRequest,
  VersionName,
} from './object-store.ts';

/** What a fault hook is told: `before` the call does anything, or `after` it did, when its answer can get lost. */
export interface StoreCall {
  readonly operation: keyof ObjectStore;
  readonly key: string;
  readonly moment: 'before' | 'after';
}

export interface MemoryStoreOptions {
  readonly name: string;
  /** The server's clock. */
  readonly now: () => Date;
  readonly jurisdiction?: string;
  /** How the bucket starts out; `present` when missing. */
  readonly bucket?: 'present' | 'absent' | 'without_lock';
  /** Called around every operation on a key; what it throws is the operation's error. */
  readonly fault?: (call: StoreCall) => void;
}

interface StoredVersion {
  readonly versionId: string;
  readonly lastModified: Date;
  /** Missing for a delete marker. */
  object?: { readonly body: Buffer; readonly checksum?: StoredChecksum };
  lock: Lock | undefined;
  legalHold: boolean;
}

interface PendingUpload extends OpenUpload {
  readonly lock: Lock;
  readonly parts: Map<number, Part & { body: Buffer }>;
}

/** An object store in memory, for tests of what is built on one; held to the same suite as the real one. */
export class MemoryStore implements ObjectStore {
  readonly name: string;
  readonly #now: () => Date;
  readonly #jurisdiction: string;
  readonly #fault: (call: StoreCall) => void;
  #bucket: 'present' | 'absent' | 'without_lock';
  /** Versions of each key, newest first. */
  readonly #keys = new Map<string, StoredVersion[]>();
  readonly #uploads = new Map<string, PendingUpload>();
  #lastId = 0;

  constructor(options: MemoryStoreOptions) {
    this.name = options.name;
    this.#now = options.now;
    this.#jurisdiction = options.jurisdiction ?? 'local';
    this.#bucket = options.bucket ?? 'present';
    this.#fault = options.fault ?? (() => {});
  }

  /** What anyone with write access can do to a key: hide it behind a delete marker. */
  plantDeleteMarker(key: string): void {
    this.#add(key, { lock: undefined });
  }

  /** What anyone with write access can do to a key: put other bytes on top, without lock or checksum. */
  plantVersion(key: string, body: Buffer): string {
    return this.#add(key, { object: { body }, lock: undefined });
  }

  /** What a failing disk does, or who has it: other bytes under the version, its checksum as it was. */
  damage(object: VersionName, change: (body: Buffer) => Buffer): void {
    const version = this.#find(object);
    if (version?.object)
      version.object = { ...version.object, body: change(Buffer.from(version.object.body)) };
  }

  /** What the owner of the bucket can do: change a lock, or take it away. */
  relock(object: VersionName, lock: Lock | undefined): void {
    const version = this.#find(object);
    if (version) version.lock = lock;
  }

  /** What the owner of the bucket can do: delete a version that is locked. */
  lose({ key, versionId }: VersionName): void {
    this.#keys.set(
      key,
      (this.#keys.get(key) ?? []).filter((version) => version.versionId !== versionId),
    );
  }

  async facts(): Promise<DestinationFacts> {
    this.#needBucket();
    const locked = this.#bucket === 'present';
    return {
      jurisdiction: this.#jurisdiction,
      region: 'memory',
      tls: false,
      loopback: true,
      versioning: locked,
      objectLock: locked,
      serverTime: this.#now(),
      clockSkewMs: this.#now().getTime() - Date.now(),
    };
  }

  async ensureBucket(): Promise<'made' | 'present'> {
    if (this.#bucket === 'without_lock') throw this.#failure('bucket_without_lock');
    if (this.#bucket === 'present') return 'present';
    this.#bucket = 'present';
    return 'made';
  }

  async lockUntil(lock: LockDays): Promise<Lock> {
    return lockFrom(this.#now(), lock);
  }

  async put({ key, body, sha256, lock: days, onTop }: PutRequest): Promise<PutResult> {
    const lock = lockFrom(this.#now(), days);
    return this.#during('put', key, () => {
      this.#needSame(body, sha256);
      if (!onTop && this.#isTaken(key)) return { kind: 'exists' };
      return { kind: 'stored', versionId: this.#add(key, { object: whole(body), lock }), lock };
    });
  }

  async putSmallDocument({
    key,
    body,
    lock: days,
  }: {
    key: string;
    body: Buffer;
    lock: LockDays;
  }): Promise<PutResult> {
    const lock = lockFrom(this.#now(), days);
    return this.#during('putSmallDocument', key, () => {
      if (this.#isTaken(key)) return { kind: 'exists' };
      return { kind: 'stored', versionId: this.#add(key, { object: whole(body), lock }), lock };
    });
  }

  async createMultipart({ key, lock: days }: { key: string; lock: LockDays }) {
    const lock = lockFrom(this.#now(), days);
    return this.#during('createMultipart', key, () => {
      const uploadId = this.#nextId('upload');
      this.#uploads.set(uploadId, { key, uploadId, initiatedAt: this.#now(), lock, parts: new Map() });
      return { uploadId, lock };
    });
  }

  async uploadPart({ key, uploadId, partNumber, body, sha256 }: UploadPartRequest) {
    return this.#during('uploadPart', key, () => {
      this.#needSame(body, sha256);
      const etag = `"${sha256.toString('hex').slice(0, 32)}"`;
      const part = { partNumber, etag, sha256, lengthBytes: body.length, body: Buffer.from(body) };
      this.#pending({ key, uploadId }).parts.set(partNumber, part);
      return { etag };
    });
  }

  async listParts({ key, uploadId }: UploadName): Promise<readonly Part[] | undefined> {
    return this.#during('listParts', key, () =>
      this.#uploads
        .get(uploadId)
        ?.parts.values()
        .map(({ body: _, ...part }) => part)
        .toArray()
        .sort((a, b) => a.partNumber - b.partNumber),
    );
  }

  async completeMultipart({
    key,
    uploadId,
    parts,
    onTop,
  }: UploadName & { parts: readonly Part[]; onTop?: boolean }): Promise<CompleteResult> {
    return this.#during('completeMultipart', key, () => {
      if (!this.#uploads.has(uploadId)) return { kind: 'upload_gone' };
      if (!onTop && this.#isTaken(key)) return { kind: 'exists' };
      const upload = this.#pending({ key, uploadId });
      const bodies = parts.map((part) => {
        const sent = upload.parts.get(part.partNumber);
        if (sent?.etag !== part.etag) throw this.#corrupt('InvalidPart');
        return sent.body;
      });
      this.#uploads.delete(uploadId);
      const checksum: StoredChecksum = { kind: 'composite', sha256: compositeSha256(parts) };
      const object = { body: Buffer.concat(bodies), checksum };
      return { kind: 'stored', versionId: this.#add(key, { object, lock: upload.lock }) };
    });
  }

  async abortMultipart({ key, uploadId }: UploadName): Promise<void> {
    await this.#during('abortMultipart', key, () => this.#uploads.delete(uploadId));
  }

  async *listMultiparts(prefix: string): AsyncIterable<OpenUpload> {
    for (const { key, uploadId, initiatedAt } of [...this.#uploads.values()].sort(byKey)) {
      if (key.startsWith(prefix)) yield { key, uploadId, initiatedAt };
    }
  }

  async head({ key, versionId }: VersionName): Promise<ObjectFacts | undefined> {
    return this.#during('head', key, () => {
      const version = this.#find({ key, versionId });
      if (version?.object === undefined) return undefined;
      const { body, checksum } = version.object;
      return {
        lengthBytes: body.length,
        ...(checksum ? { checksum } : {}),
        ...(version.lock ? { lock: version.lock } : {}),
        legalHold: version.legalHold,
      };
    });
  }

  async get({ key, versionId, range }: VersionName & { range?: ByteRange }): Promise<Buffer> {
    return this.#during('get', key, () => this.#bytes({ key, versionId }, range));
  }

  async getStream({ key, versionId, range }: VersionName & { range?: ByteRange }) {
    return this.#during('getStream', key, () => pieces(this.#bytes({ key, versionId }, range)));
  }

  async *listVersions(prefix: string): AsyncIterable<ListedVersion> {
    for (const key of [...this.#keys.keys()].sort()) {
      if (key.startsWith(prefix)) yield* await this.versionsOf(key);
    }
  }

  async versionsOf(key: string): Promise<readonly ListedVersion[]> {
    return this.#during('versionsOf', key, () =>
      (this.#keys.get(key) ?? []).map(({ versionId, lastModified, object }) => ({
        key,
        versionId,
        isDeleteMarker: object === undefined,
        lengthBytes: object?.body.length ?? 0,
        lastModified,
      })),
    );
  }

  async extendLock({ key, versionId, lock: wanted }: VersionName & { lock: Lock }): Promise<Lock> {
    return this.#during('extendLock', key, () => {
      const version = this.#find({ key, versionId });
      if (version?.object === undefined) throw this.#failure('object_missing');
      const asked = extension(version.lock, wanted);
      if (asked === undefined) return version.lock ?? wanted;
      // As S3: a lock's mode does not change without a bypass.
      if (version.lock && version.lock.mode !== asked.mode) throw this.#failure('lock_refused');
      version.lock = asked;
      return asked;
    });
  }

  async setLegalHold({ key, versionId, isHeld }: VersionName & { isHeld: boolean }) {
    return this.#during('setLegalHold', key, (): 'set' => {
      const version = this.#find({ key, versionId });
      if (version?.object === undefined) throw this.#failure('object_missing');
      version.legalHold = isHeld;
      return 'set';
    });
  }

  async deleteVersion({ key, versionId }: VersionName): Promise<'deleted' | 'refused'> {
    return this.#during('deleteVersion', key, () => {
      const version = this.#find({ key, versionId });
      if (version?.legalHold || (version?.lock && version.lock.retainUntil > this.#now())) return 'refused';
      const left = (this.#keys.get(key) ?? []).filter((other) => other !== version);
      if (left.length > 0) this.#keys.set(key, left);
      else this.#keys.delete(key);
      return 'deleted';
    });
  }

  close(): void {}

  #during<Result>(operation: keyof ObjectStore, key: string, run: () => Result): Result {
    this.#fault({ operation, key, moment: 'before' });
    this.#needBucket();
    const result = run();
    this.#fault({ operation, key, moment: 'after' });
    return result;
  }

  #bytes(object: VersionName, range: ByteRange | undefined): Buffer {
    const body = this.#find(object)?.object?.body;
    if (body === undefined) throw this.#failure('object_missing');
    if (range === undefined) return Buffer.from(body);
    const slice = Buffer.from(body.subarray(range.offset, range.offset + range.length));
    if (slice.length !== range.length) throw this.#corrupt('object shorter than the range');
    return slice;
  }

  #find({ key, versionId }: VersionName): StoredVersion | undefined {
    return this.#keys.get(key)?.find((version) => version.versionId === versionId);
  }

  /** Whether `If-None-Match: *` fails: a delete marker on top makes the key free again. */
  #isTaken(key: string): boolean {
    return this.#keys.get(key)?.[0]?.object !== undefined;
  }

  #add(key: string, version: Pick<StoredVersion, 'object' | 'lock'>): string {
    const versionId = this.#nextId('version');
    const added = { versionId, lastModified: this.#now(), legalHold: false, ...version };
    this.#keys.set(key, [added, ...(this.#keys.get(key) ?? [])]);
    return versionId;
  }

  #nextId(what: string): string {
    this.#lastId += 1;
    return `${what}-${this.#lastId}`;
  }

  #pending({ key, uploadId }: UploadName): PendingUpload {
    const upload = this.#uploads.get(uploadId);
    if (upload?.key !== key) throw this.#failure('upload_missing');
    return upload;
  }

  #needBucket(): void {
    if (this.#bucket === 'absent') throw this.#failure('bucket_missing');
  }

  #needSame(body: Buffer, sha256: Buffer): void {
    if (!sha256Of(body).equals(sha256)) throw this.#corrupt('BadDigest');
  }

  #corrupt(reason: string): Failure {
    return new Failure('s3_corrupt', { destination: this.name, reason });
  }

  #failure(
    code: 'bucket_missing' | 'bucket_without_lock' | 'object_missing' | 'upload_missing' | 'lock_refused',
  ) {
    return new Failure(code, { destination: this.name, bucket: 'memory' });
  }
}

function whole(body: Buffer): { body: Buffer; checksum: StoredChecksum } {
  return { body: Buffer.from(body), checksum: { kind: 'whole', sha256: sha256Of(body) } };
}

function sha256Of(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

async function* pieces(bytes: Buffer): AsyncIterable<Buffer> {
  const pieceBytes = 64 * 1024;
  for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
    yield bytes.subarray(offset, offset + pieceBytes);
  }
}
