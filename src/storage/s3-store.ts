import { BlockList, isIP } from 'node:net';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import { extension, lockFrom } from './locks.ts';
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
import { makeS3Clients, type S3Clients, type S3StoreOptions } from './s3-client.ts';
import { isMissingVersion, isWorthOneRetry, s3Code, s3Status, translateS3Error } from './s3-errors.ts';
import { ServerClock } from './server-clock.ts';

/** Opens a destination; sends nothing yet. Failure `s3_ca_unreadable`. */
export async function openS3Store(options: S3StoreOptions): Promise<ObjectStore> {
  const clock = new ServerClock({ wallMs: () => Date.now(), monotonicMs: () => performance.now() });
  return new S3Store(options, await makeS3Clients(options, clock), clock);
}

const putSmallPartBytes = 5 * 1024 * 1024;
const defaultPageSize = 1000;

class S3Store implements ObjectStore {
  readonly name: string;
  readonly #options: S3StoreOptions;
  readonly #clients: S3Clients;
  readonly #clock: ServerClock;
  readonly #bucket: string;
  readonly #pageSize: number;

  constructor(options: S3StoreOptions, clients: S3Clients, clock: ServerClock) {
    this.name = options.name;
    this.#options = options;
    this.#clients = clients;
    this.#clock = clock;
    this.#bucket = options.bucket;
    this.#pageSize = options.pageSize ?? defaultPageSize;
  }

  async facts(): Promise<DestinationFacts> {
    const { client } = this.#clients;
    const Bucket = this.#bucket;
    const region = await this.#headBucket();
    const versioning = await this.#call(() => client.send(new GetBucketVersioningCommand({ Bucket })));
    const lock = await this.#lockConfiguration();
    const endpoint = this.#options.endpoint ? new URL(this.#options.endpoint) : undefined;
    const serverTime = await this.#serverNow();
    return {
      jurisdiction: this.#options.jurisdiction,
      region,
      tls: endpoint === undefined || endpoint.protocol === 'https:',
      loopback: endpoint !== undefined && isLoopback(endpoint.hostname),
      versioning: versioning.Status === 'Enabled',
      ...lock,
      serverTime,
      clockSkewMs: Math.round(serverTime.getTime() - Date.now()),
    };
  }

  async ensureBucket(): Promise<'made' | 'present'> {
    const made = await this.#makeBucketIfMissing();
    const { versioning, objectLock } = await this.facts();
    if (!versioning || !objectLock) throw this.#bucketWithoutLock();
    return made ? 'made' : 'present';
  }

  async lockUntil(lock: LockDays): Promise<Lock> {
    return lockFrom(await this.#serverNow(), lock);
  }

  async put({ key, body, sha256, lock: days }: PutRequest): Promise<PutResult> {
    const lock = await this.lockUntil(days);
    return this.#unlessExists(lock, () =>
      this.#clients.client.send(
        new PutObjectCommand({
          ...this.#newObject(key, lock),
          Body: body,
          ContentLength: body.length,
          ChecksumSHA256: sha256.toString('base64'),
          IfNoneMatch: '*',
        }),
      ),
    );
  }

  async putSmallDocument({ key, body, lock: days }: { key: string; body: Buffer; lock: LockDays }) {
    const lock = await this.lockUntil(days);
    return this.#unlessExists(lock, () =>
      new Upload({
        client: this.#clients.client,
        partSize: putSmallPartBytes,
        params: { ...this.#newObject(key, lock), Body: body, IfNoneMatch: '*' },
      }).done(),
    );
  }

  async createMultipart({ key, lock: days }: { key: string; lock: LockDays }) {
    const lock = await this.lockUntil(days);
    const answer = await this.#call(
      () =>
        this.#clients.client.send(
          new CreateMultipartUploadCommand({ ...this.#newObject(key, lock), ChecksumType: 'COMPOSITE' }),
        ),
      // A second try could leave an upload that nobody knows.
      { retry: false },
    );
    return { uploadId: this.#present(answer.UploadId, 'UploadId'), lock };
  }

  async uploadPart({ key, uploadId, partNumber, body, sha256 }: UploadPartRequest) {
    const answer = await this.#call(() =>
      this.#clients.client.send(
        new UploadPartCommand({
          Bucket: this.#bucket,
          Key: key,
          UploadId: uploadId,
          PartNumber: partNumber,
          Body: body,
          ContentLength: body.length,
          ChecksumAlgorithm: 'SHA256',
          ChecksumSHA256: sha256.toString('base64'),
        }),
      ),
    );
    return { etag: this.#present(answer.ETag, 'ETag') };
  }

  async listParts({ key, uploadId }: UploadName): Promise<readonly Part[] | undefined> {
    const parts: Part[] = [];
    let marker: string | undefined;
    do {
      const page = await this.#call(() =>
        this.#clients.client.send(
          new ListPartsCommand({
            Bucket: this.#bucket,
            Key: key,
            UploadId: uploadId,
            MaxParts: this.#pageSize,
            PartNumberMarker: marker,
          }),
        ),
      ).catch((error: unknown) => {
        if (isFailure(error, 'upload_missing')) return undefined;
        throw error;
      });
      if (page === undefined) return undefined;
      for (const part of page.Parts ?? []) {
        parts.push({
          partNumber: this.#present(part.PartNumber, 'PartNumber'),
          etag: this.#present(part.ETag, 'ETag'),
          sha256: Buffer.from(this.#present(part.ChecksumSHA256, 'ChecksumSHA256'), 'base64'),
          lengthBytes: this.#present(part.Size, 'Size'),
        });
      }
      marker = page.IsTruncated ? this.#progress(marker, page.NextPartNumberMarker) : undefined;
    } while (marker !== undefined);
    return parts;
  }

  async completeMultipart(upload: UploadName & { parts: readonly Part[] }): Promise<CompleteResult> {
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
      IfNoneMatch: '*',
      MpuObjectSize: upload.parts.reduce((sum, part) => sum + part.lengthBytes, 0),
      MultipartUpload: {
        Parts: upload.parts.map((part) => ({
          PartNumber: part.partNumber,
          ETag: part.etag,
          ChecksumSHA256: part.sha256.toString('base64'),
        })),
      },
    });
    try {
      const answer = await this.#call(() => this.#clients.patientClient.send(command), {
        translate: (error) => s3Code(error) !== 'ConditionalRequestConflict',
      });
      // versitygw answers a repeated Complete so: done, but not which version.
      if (answer.VersionId === undefined) return { kind: 'upload_gone' };
      return { kind: 'stored', versionId: answer.VersionId };
    } catch (error) {
      if (s3Status(error) === 412) return { kind: 'exists' };
      if (s3Code(error) === 'ConditionalRequestConflict') return { kind: 'conflict' };
      if (isFailure(error, 'upload_missing')) return { kind: 'upload_gone' };
      // versitygw finds no parts where it should say that there is no upload.
      if (isFailure(error, 's3_corrupt') && (await this.listParts(upload)) === undefined) {
        return { kind: 'upload_gone' };
      }
      throw error;
    }
  }

  async abortMultipart({ key, uploadId }: UploadName): Promise<void> {
    try {
      await this.#call(() =>
        this.#clients.client.send(
          new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: key, UploadId: uploadId }),
        ),
      );
    } catch (error) {
      if (!isFailure(error, 'upload_missing')) throw error;
    }
  }

  async *listMultiparts(prefix: string): AsyncIterable<OpenUpload> {
    let marker: { KeyMarker: string; UploadIdMarker?: string } | undefined;
    do {
      const page = await this.#multipartPage(prefix, marker);
      for (const upload of page.Uploads ?? []) {
        yield {
          key: this.#present(upload.Key, 'Key'),
          uploadId: this.#present(upload.UploadId, 'UploadId'),
          initiatedAt: this.#present(upload.Initiated, 'Initiated'),
        };
      }
      marker = page.IsTruncated
        ? {
            KeyMarker: this.#present(page.NextKeyMarker, 'NextKeyMarker'),
            ...(page.NextUploadIdMarker ? { UploadIdMarker: page.NextUploadIdMarker } : {}),
          }
        : undefined;
    } while (marker !== undefined);
  }

  async head(object: VersionName): Promise<ObjectFacts | undefined> {
    let answer: HeadObjectCommandOutput;
    try {
      answer = await this.#call(
        () =>
          this.#clients.client.send(
            new HeadObjectCommand({ ...this.#version(object), ChecksumMode: 'ENABLED' }),
          ),
        { translate: (error) => !isBodilessRefusal(error) },
      );
    } catch (error) {
      if (!isBodilessRefusal(error)) throw error;
      // An answer to HEAD does not say whether version, key, bucket or permission is missing; this one does.
      return (await this.#retention(object)) === 'no such version' ? undefined : this.#rethrow(error);
    }
    const lock =
      lockOf(answer.ObjectLockMode, answer.ObjectLockRetainUntilDate) ?? (await this.#lockUnseen(object));
    const checksum = storedChecksum(answer.ChecksumSHA256);
    return {
      lengthBytes: this.#present(answer.ContentLength, 'ContentLength'),
      ...(checksum ? { checksum } : {}),
      ...(lock ? { lock } : {}),
      legalHold: answer.ObjectLockLegalHoldStatus === 'ON',
    };
  }

  async get(object: VersionName & { range?: ByteRange }): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of await this.getStream(object)) pieces.push(piece);
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }

  async getStream(object: VersionName & { range?: ByteRange }): Promise<AsyncIterable<Buffer>> {
    const { range } = object;
    if (range?.length === 0) return emptyStream();
    const answer = await this.#call(() =>
      this.#clients.client.send(
        new GetObjectCommand({
          ...this.#version(object),
          ...(range ? { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` } : {}),
        }),
      ),
    ).catch((error: unknown) => {
      throw s3Code(error) === 'InvalidRange' ? this.#tooShort() : error;
    });
    // A server that ignores Range answers 200 with the whole object.
    if (range && answer.ContentLength !== range.length) {
      (answer.Body as Readable).destroy();
      throw this.#tooShort();
    }
    return this.#translated(answer.Body as Readable);
  }

  async *listVersions(prefix: string): AsyncIterable<ListedVersion> {
    let marker: { KeyMarker: string; VersionIdMarker: string | undefined } | undefined;
    do {
      const page = await this.#call(() =>
        this.#clients.client.send(
          new ListObjectVersionsCommand({
            Bucket: this.#bucket,
            Prefix: prefix,
            MaxKeys: this.#pageSize,
            ...marker,
          }),
        ),
      );
      yield* inListingOrder([
        ...(page.Versions ?? []).map((version) => this.#listed(version, version.Size ?? 0, false)),
        ...(page.DeleteMarkers ?? []).map((deleteMarker) => this.#listed(deleteMarker, 0, true)),
      ]);
      marker = page.IsTruncated
        ? {
            KeyMarker: this.#present(page.NextKeyMarker, 'NextKeyMarker'),
            VersionIdMarker: page.NextVersionIdMarker,
          }
        : undefined;
    } while (marker !== undefined);
  }

  async versionsOf(key: string): Promise<readonly ListedVersion[]> {
    const versions: ListedVersion[] = [];
    for await (const version of this.listVersions(key)) {
      // The key itself sorts before every longer key that begins with it.
      if (version.key !== key) break;
      versions.push(version);
    }
    return versions;
  }

  async extendLock({ lock: wanted, ...object }: VersionName & { lock: Lock }): Promise<Lock> {
    const present = await this.#presentLock(object);
    const asked = extension(present, wanted);
    if (asked === undefined) return present ?? wanted;
    try {
      await this.#call(() =>
        this.#clients.client.send(
          new PutObjectRetentionCommand({
            ...this.#version(object),
            ChecksumAlgorithm: 'SHA256',
            Retention: { Mode: asked.mode, RetainUntilDate: asked.retainUntil },
          }),
        ),
      );
    } catch (error) {
      // Also what S3 answers when somebody else has just asked for more: what is in force decides, below.
      if (s3Code((error as Error).cause) !== 'AccessDenied') throw error;
    }
    const inForce = await this.#presentLock(object);
    if (inForce === undefined || extension(inForce, wanted) !== undefined) {
      throw new Failure('lock_refused', { destination: this.name });
    }
    return inForce;
  }

  async deleteVersion(object: VersionName): Promise<'deleted' | 'refused'> {
    try {
      await this.#call(() => this.#clients.client.send(new DeleteObjectCommand(this.#version(object))));
      return 'deleted';
    } catch (error) {
      if (isFailure(error, 'object_missing')) return 'deleted';
      if (isFailure(error, 's3_denied') && s3Code(error.cause) === 'AccessDenied') return 'refused';
      throw error;
    }
  }

  close(): void {
    this.#clients.client.destroy();
    this.#clients.patientClient.destroy();
  }

  /** Runs one request; its error leaves here as a Failure, unless `translate` wants to see it raw. */
  async #call<Answer>(
    send: () => Promise<Answer>,
    {
      retry = true,
      translate = () => true,
    }: { retry?: boolean; translate?: (error: unknown) => boolean } = {},
  ): Promise<Answer> {
    try {
      return await send().catch((error: unknown) => {
        if (retry && isWorthOneRetry(error)) return send();
        throw error;
      });
    } catch (error) {
      throw translate(error) ? this.#translate(error) : error;
    }
  }

  #translate(error: unknown): unknown {
    return translateS3Error(error, {
      destination: this.name,
      bucket: this.#bucket,
      region: this.#options.region,
    });
  }

  #rethrow(error: unknown): never {
    throw this.#translate(error);
  }

  async *#translated(body: Readable): AsyncIterable<Buffer> {
    try {
      yield* body as AsyncIterable<Buffer>;
    } catch (error) {
      this.#rethrow(error);
    }
  }

  async #unlessExists(
    lock: Lock,
    send: () => Promise<{ VersionId?: string | undefined }>,
  ): Promise<PutResult> {
    try {
      const answer = await this.#call(send);
      return { kind: 'stored', versionId: this.#versionId(answer.VersionId), lock };
    } catch (error) {
      if (s3Status(error) === 412) return { kind: 'exists' };
      throw error;
    }
  }

  async #multipartPage(Prefix: string, marker?: { KeyMarker: string; UploadIdMarker?: string }) {
    const ask = (after?: { KeyMarker: string }) =>
      this.#call(() =>
        this.#clients.client.send(
          new ListMultipartUploadsCommand({
            Bucket: this.#bucket,
            Prefix,
            MaxUploads: this.#pageSize,
            ...after,
          }),
        ),
      );
    return ask(marker).catch((error: unknown) => {
      // versitygw 1.8.0 refuses the upload id marker it has just given out.
      if (marker && s3Code(error) === 'InvalidArgument') return ask({ KeyMarker: marker.KeyMarker });
      throw error;
    });
  }

  /** What every new object is asked to have. */
  #newObject(key: string, lock: Lock) {
    return {
      Bucket: this.#bucket,
      Key: key,
      ContentType: 'application/octet-stream',
      ChecksumAlgorithm: 'SHA256',
      ObjectLockMode: lock.mode,
      ObjectLockRetainUntilDate: lock.retainUntil,
    } as const;
  }

  #version({ key, versionId }: VersionName) {
    return { Bucket: this.#bucket, Key: key, VersionId: versionId };
  }

  async #serverNow(): Promise<Date> {
    const known = this.#clock.now();
    if (known !== undefined) return known;
    await this.#headBucket();
    const asked = this.#clock.now();
    if (asked === undefined) throw this.#oddAnswer('no Date header');
    return asked;
  }

  /** The bucket's region; `bucket_missing` if there is none. */
  async #headBucket(): Promise<string> {
    try {
      const answer = await this.#call(
        () => this.#clients.client.send(new HeadBucketCommand({ Bucket: this.#bucket })),
        { translate: (error) => s3Status(error) !== 404 },
      );
      return answer.BucketRegion ?? this.#options.region;
    } catch (error) {
      if (s3Status(error) !== 404) throw error;
      throw new Failure('bucket_missing', { destination: this.name, bucket: this.#bucket }, { cause: error });
    }
  }

  async #makeBucketIfMissing(): Promise<boolean> {
    try {
      await this.#headBucket();
      return false;
    } catch (error) {
      if (!isFailure(error, 'bucket_missing')) throw error;
    }
    const { region } = this.#options;
    try {
      await this.#call(
        () =>
          this.#clients.client.send(
            new CreateBucketCommand({
              Bucket: this.#bucket,
              ObjectLockEnabledForBucket: true,
              // Amazon refuses its first region by name.
              ...(region === 'us-east-1'
                ? {}
                : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
            }),
          ),
        { translate: (error) => s3Code(error) !== 'BucketAlreadyOwnedByYou' },
      );
      return true;
    } catch (error) {
      if (s3Code(error) === 'BucketAlreadyOwnedByYou') return false;
      throw error;
    }
  }

  async #lockConfiguration(): Promise<Pick<DestinationFacts, 'objectLock' | 'defaultRetention'>> {
    try {
      const { ObjectLockConfiguration: lock } = await this.#call(() =>
        this.#clients.client.send(new GetObjectLockConfigurationCommand({ Bucket: this.#bucket })),
      );
      const { Mode: mode, Days, Years } = lock?.Rule?.DefaultRetention ?? {};
      const days = Days ?? (Years ?? 0) * 366;
      return {
        objectLock: lock?.ObjectLockEnabled === 'Enabled',
        ...(mode && days > 0 ? { defaultRetention: { mode, days } } : {}),
      };
    } catch (error) {
      if (s3Code(error) === 'ObjectLockConfigurationNotFoundError') return { objectLock: false };
      throw error;
    }
  }

  /** The lock HEAD did not show: absent, or hidden from us, which is `s3_denied`. */
  async #lockUnseen(object: VersionName): Promise<Lock | undefined> {
    const retention = await this.#retention(object);
    return typeof retention === 'string' ? undefined : retention;
  }

  async #presentLock(object: VersionName): Promise<Lock | undefined> {
    const retention = await this.#retention(object);
    if (retention === 'no such version') throw new Failure('object_missing', { destination: this.name });
    return retention === 'no lock' ? undefined : retention;
  }

  async #retention(object: VersionName): Promise<Lock | 'no lock' | 'no such version'> {
    const expected = (error: unknown) => isMissingVersion(error) || noLockCodes.has(s3Code(error) ?? '');
    try {
      const { Retention } = await this.#call(
        () => this.#clients.client.send(new GetObjectRetentionCommand(this.#version(object))),
        { translate: (error) => !expected(error) },
      );
      return lockOf(Retention?.Mode, Retention?.RetainUntilDate) ?? 'no lock';
    } catch (error) {
      if (isMissingVersion(error)) return 'no such version';
      if (expected(error)) return 'no lock';
      throw error;
    }
  }

  #listed(
    row: { Key?: string | undefined; VersionId?: string | undefined; LastModified?: Date | undefined },
    lengthBytes: number,
    isDeleteMarker: boolean,
  ): ListedVersion {
    return {
      key: this.#present(row.Key, 'Key'),
      versionId: this.#present(row.VersionId, 'VersionId'),
      isDeleteMarker,
      lengthBytes,
      lastModified: this.#present(row.LastModified, 'LastModified'),
    };
  }

  #versionId(versionId: string | undefined): string {
    if (versionId === undefined || versionId === 'null') throw this.#bucketWithoutLock();
    return versionId;
  }

  /** The next page's marker, which must be another one: a listing that stands still would never end. */
  #progress(marker: string | undefined, next: string | undefined): string {
    const value = this.#present(next, 'next marker');
    if (value === marker) throw this.#oddAnswer('listing stands still');
    return value;
  }

  #present<Value>(value: Value | undefined, what: string): Value {
    if (value === undefined) throw this.#oddAnswer(`answer without ${what}`);
    return value;
  }

  #oddAnswer(reason: string): Failure {
    return new Failure('s3_unavailable', { destination: this.name, reason });
  }

  #tooShort(): Failure {
    return new Failure('s3_corrupt', { destination: this.name, reason: 'object shorter than the range' });
  }

  #bucketWithoutLock(): Failure {
    return new Failure('bucket_without_lock', { destination: this.name, bucket: this.#bucket });
  }
}

const noLockCodes = new Set(['NoSuchObjectLockConfiguration', 'InvalidRequest']);

/** Statuses of HEAD that can mean several things. */
function isBodilessRefusal(error: unknown): boolean {
  return [400, 403, 404, 405].includes(s3Status(error) ?? 0);
}

function lockOf(mode: string | undefined, retainUntil: Date | undefined): Lock | undefined {
  if (retainUntil === undefined || (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE')) return undefined;
  return { mode, retainUntil };
}

/** S3 writes a checksum as base64, and behind one made of parts `-` and their number. */
function storedChecksum(text: string | undefined): StoredChecksum | undefined {
  if (text === undefined) return undefined;
  const [base64, parts] = text.split('-');
  return { kind: parts === undefined ? 'whole' : 'composite', sha256: Buffer.from(base64 ?? '', 'base64') };
}

/** A page has versions and delete markers apart: brings them into the order of the listing. */
function inListingOrder(page: readonly ListedVersion[]): readonly ListedVersion[] {
  return page.toSorted(
    (a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) ||
      b.lastModified.getTime() - a.lastModified.getTime(),
  );
}

async function* emptyStream(): AsyncIterable<Buffer> {}

const loopbackAddresses = new BlockList();
loopbackAddresses.addSubnet('127.0.0.0', 8, 'ipv4');
loopbackAddresses.addAddress('::1', 'ipv6');

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return loopbackAddresses.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
