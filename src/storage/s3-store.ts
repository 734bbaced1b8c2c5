import type { Readable } from 'node:stream';
import {
  type DeleteMarkerEntry,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectVersion,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import { lockFrom } from './locks.ts';
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
import { bucketFacts, ensureBucket } from './s3-bucket.ts';
import { makeS3Clients, type S3StoreOptions } from './s3-client.ts';
import { S3Connection } from './s3-connection.ts';
import { s3Code, s3Status } from './s3-errors.ts';
import { setLegalHold } from './s3-legal-hold.ts';
import {
  abortMultipart,
  completeMultipart,
  createMultipart,
  listMultiparts,
  listParts,
  uploadPart,
} from './s3-multipart.ts';
import { extendLock, lockOf, readRetention } from './s3-retention.ts';
import { ServerClock } from './server-clock.ts';

/** Opens a destination; sends nothing yet. Failure `s3_ca_unreadable`. */
export async function openS3Store(options: S3StoreOptions): Promise<ObjectStore> {
  const clock = new ServerClock({ wallMs: () => Date.now(), monotonicMs: () => performance.now() });
  return new S3Store(new S3Connection(options, await makeS3Clients(options, clock), clock));
}

const smallDocumentPartBytes = 5 * 1024 * 1024;

class S3Store implements ObjectStore {
  readonly name: string;
  readonly #connection: S3Connection;
  readonly #puts = new Map<string, Promise<PutResult>>();

  constructor(connection: S3Connection) {
    this.name = connection.options.name;
    this.#connection = connection;
  }

  facts(): Promise<DestinationFacts> {
    return bucketFacts(this.#connection);
  }

  ensureBucket(): Promise<'made' | 'present'> {
    return ensureBucket(this.#connection);
  }

  async lockUntil(lock: LockDays): Promise<Lock> {
    return lockFrom(await this.#connection.serverNow(), lock);
  }

  async put(request: PutRequest): Promise<PutResult> {
    const { key, sha256, onTop = false } = request;
    if (onTop) return this.#put(request);
    // A step that was given up too early asks again while it is under way: over a thin line no byte should go twice.
    const name = `${sha256.toString('hex')} ${key}`;
    const underWay = this.#puts.get(name);
    if (underWay !== undefined) return underWay.then(() => ({ kind: 'exists' }));
    const put = this.#put(request).finally(() => this.#puts.delete(name));
    this.#puts.set(name, put);
    return put;
  }

  async #put({ key, body, sha256, lock: days, onTop }: PutRequest): Promise<PutResult> {
    const lock = await this.lockUntil(days);
    const command = new PutObjectCommand({
      ...this.#connection.newObject(key, lock),
      Body: body,
      ContentLength: body.length,
      ChecksumSHA256: sha256.toString('base64'),
      ...(onTop ? {} : { IfNoneMatch: '*' }),
    });
    return this.#unlessExists(lock, () => this.#connection.client.send(command));
  }

  async putSmallDocument({ key, body, lock: days }: { key: string; body: Buffer; lock: LockDays }) {
    const lock = await this.lockUntil(days);
    const { client } = this.#connection;
    const params = { ...this.#connection.newObject(key, lock), Body: body, IfNoneMatch: '*' };
    return this.#unlessExists(lock, () =>
      new Upload({ client, partSize: smallDocumentPartBytes, params }).done(),
    );
  }

  async createMultipart({ key, lock: days }: { key: string; lock: LockDays }) {
    const lock = await this.lockUntil(days);
    return { uploadId: await createMultipart(this.#connection, key, lock), lock };
  }

  async uploadPart(part: UploadPartRequest) {
    return { etag: await uploadPart(this.#connection, part) };
  }

  listParts(upload: UploadName): Promise<readonly Part[] | undefined> {
    return listParts(this.#connection, upload);
  }

  completeMultipart({
    parts,
    onTop = false,
    ...upload
  }: UploadName & { parts: readonly Part[]; onTop?: boolean }): Promise<CompleteResult> {
    return completeMultipart(this.#connection, upload, parts, onTop);
  }

  abortMultipart(upload: UploadName): Promise<void> {
    return abortMultipart(this.#connection, upload);
  }

  listMultiparts(prefix: string): AsyncIterable<OpenUpload> {
    return listMultiparts(this.#connection, prefix);
  }

  async head(object: VersionName): Promise<ObjectFacts | undefined> {
    const answer = await this.#headOrMissing(object);
    if (answer === undefined) return undefined;
    const checksum = storedChecksum(answer.ChecksumSHA256);
    const lock =
      lockOf(answer.ObjectLockMode, answer.ObjectLockRetainUntilDate) ?? (await this.#unshownLock(object));
    return {
      lengthBytes: this.#connection.present(answer.ContentLength, 'ContentLength'),
      ...(checksum ? { checksum } : {}),
      ...(lock ? { lock } : {}),
      legalHold: answer.ObjectLockLegalHoldStatus === 'ON',
    };
  }

  async get(object: VersionName & { range?: ByteRange }): Promise<Buffer> {
    const { range } = object;
    const bytes =
      range && range.length > 0 ? await this.#connection.rangeReader.read(object, range) : undefined;
    if (bytes !== undefined) return bytes;
    const pieces: Buffer[] = [];
    for await (const piece of await this.getStream(object)) pieces.push(piece);
    return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
  }

  async getStream(object: VersionName & { range?: ByteRange }): Promise<AsyncIterable<Buffer>> {
    const { range } = object;
    if (range?.length === 0) return emptyStream();
    const command = new GetObjectCommand({
      ...this.#version(object),
      ...(range ? { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` } : {}),
    });
    const answer = await this.#connection
      .call(() => this.#connection.client.send(command))
      .catch((error: unknown) => {
        throw s3Code(error) === 'InvalidRange' ? this.#wrongRange() : error;
      });
    const body = answer.Body as Readable;
    // A server that ignores Range answers with the whole object.
    if (range && answer.ContentLength !== range.length) {
      body.destroy();
      throw this.#wrongRange();
    }
    return this.#translated(body);
  }

  async *listVersions(prefix: string): AsyncIterable<ListedVersion> {
    let marker: { KeyMarker: string; VersionIdMarker: string | undefined } | undefined;
    do {
      const command = new ListObjectVersionsCommand({
        Bucket: this.#connection.bucket,
        Prefix: prefix,
        MaxKeys: this.#connection.pageSize,
        ...marker,
      });
      const page = await this.#connection.call(() => this.#connection.client.send(command));
      const rows = [
        ...(page.Versions ?? []).map((row) => ({ ...row, isDeleteMarker: false })),
        ...(page.DeleteMarkers ?? []).map((row) => ({ ...row, isDeleteMarker: true })),
      ];
      for (const row of rows.sort(inListingOrder)) yield this.#listed(row);
      marker = page.IsTruncated
        ? {
            KeyMarker: this.#connection.present(page.NextKeyMarker, 'NextKeyMarker'),
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

  extendLock({ lock, ...object }: VersionName & { lock: Lock }): Promise<Lock> {
    return extendLock(this.#connection, object, lock);
  }

  setLegalHold(object: VersionName & { isHeld: boolean }): Promise<'set' | 'unsupported'> {
    return setLegalHold(this.#connection, object);
  }

  async deleteVersion(object: VersionName): Promise<'deleted' | 'refused'> {
    const command = new DeleteObjectCommand(this.#version(object));
    const isRefusal = (error: unknown) => s3Code(error) === 'AccessDenied';
    try {
      await this.#connection.call(() => this.#connection.client.send(command), { raw: isRefusal });
      return 'deleted';
    } catch (error) {
      if (isFailure(error, 'object_missing')) return 'deleted';
      if (isRefusal(error)) return 'refused';
      throw error;
    }
  }

  close(): void {
    this.#connection.client.destroy();
    this.#connection.patientClient.destroy();
  }

  async #unlessExists(
    lock: Lock,
    send: () => Promise<{ VersionId?: string | undefined }>,
  ): Promise<PutResult> {
    try {
      const { VersionId: versionId } = await this.#connection.call(send);
      // A bucket that keeps no versions keeps no locks.
      if (versionId === undefined || versionId === 'null') {
        throw this.#connection.failure('bucket_without_lock');
      }
      return { kind: 'stored', versionId, lock };
    } catch (error) {
      if (s3Status(error) === 412) return { kind: 'exists' };
      throw error;
    }
  }

  async #headOrMissing(object: VersionName) {
    const command = new HeadObjectCommand({ ...this.#version(object), ChecksumMode: 'ENABLED' });
    const isUnclear = (error: unknown) => [400, 403, 404, 405].includes(s3Status(error) ?? 0);
    try {
      return await this.#connection.call(() => this.#connection.client.send(command), { raw: isUnclear });
    } catch (error) {
      if (!isUnclear(error)) throw error;
      // An answer to HEAD does not say whether version, key, bucket or permission is missing; this one does.
      if ((await readRetention(this.#connection, object)) === 'no such version') return undefined;
      throw this.#connection.translate(error);
    }
  }

  /** The lock that HEAD did not show: there is none, or we may not see it, which is `s3_denied`. */
  async #unshownLock(object: VersionName): Promise<Lock | undefined> {
    const retention = await readRetention(this.#connection, object);
    return typeof retention === 'string' ? undefined : retention;
  }

  async *#translated(body: Readable): AsyncIterable<Buffer> {
    try {
      yield* body as AsyncIterable<Buffer>;
    } catch (error) {
      throw this.#connection.translate(error);
    }
  }

  #version({ key, versionId }: VersionName) {
    return { Bucket: this.#connection.bucket, Key: key, VersionId: versionId };
  }

  #listed(row: ListedRow): ListedVersion {
    return {
      key: this.#connection.present(row.Key, 'Key'),
      versionId: this.#connection.present(row.VersionId, 'VersionId'),
      isDeleteMarker: row.isDeleteMarker,
      lengthBytes: row.Size ?? 0,
      lastModified: this.#connection.present(row.LastModified, 'LastModified'),
    };
  }

  #wrongRange(): Failure {
    return new Failure('s3_corrupt', { destination: this.name, reason: 'not the bytes of the range' });
  }
}

/** S3 writes a checksum as base64, and behind one made of parts `-` and their number. */
function storedChecksum(text: string | undefined): StoredChecksum | undefined {
  if (text === undefined) return undefined;
  const [base64, parts] = text.split('-');
  return { kind: parts === undefined ? 'whole' : 'composite', sha256: Buffer.from(base64 ?? '', 'base64') };
}

type ListedRow = (ObjectVersion | DeleteMarkerEntry) & {
  readonly Size?: number | undefined;
  readonly isDeleteMarker: boolean;
};

/**
 * A page has versions and delete markers apart: brings them into the order of the listing. Times may have whole
 * seconds only, so the latest is known by its flag.
 */
function inListingOrder(a: ListedRow, b: ListedRow): number {
  return (
    Buffer.compare(Buffer.from(a.Key ?? ''), Buffer.from(b.Key ?? '')) ||
    Number(b.IsLatest ?? false) - Number(a.IsLatest ?? false) ||
    (b.LastModified?.getTime() ?? 0) - (a.LastModified?.getTime() ?? 0)
  );
}

async function* emptyStream(): AsyncIterable<Buffer> {}
