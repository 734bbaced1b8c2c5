import { GetBucketVersioningCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import type { RangeReader } from './range-reader.ts';
import type { S3Clients, S3StoreOptions } from './s3-client.ts';
import { isWorthOneRetry, s3Status, translateS3Error } from './s3-errors.ts';
import type { ServerClock } from './server-clock.ts';

export interface CallOptions {
  /** Whether one more try at once is safe; true when missing. */
  readonly retry?: boolean;
  /** Errors the caller wants to see as the SDK threw them. */
  readonly raw?: (error: unknown) => boolean;
}

const defaultPageSize = 1000;

/** One bucket reached through the SDK: sends requests, translates their errors, follows the server's clock. */
export class S3Connection {
  readonly options: S3StoreOptions;
  readonly bucket: string;
  readonly pageSize: number;
  readonly client: S3Client;
  readonly patientClient: S3Client;
  readonly rangeReader: RangeReader;
  readonly #clock: ServerClock;

  constructor(
    options: S3StoreOptions,
    { client, patientClient, rangeReader }: S3Clients,
    clock: ServerClock,
  ) {
    this.options = options;
    this.bucket = options.bucket;
    this.pageSize = options.pageSize ?? defaultPageSize;
    this.client = client;
    this.patientClient = patientClient;
    this.rangeReader = rangeReader;
    this.#clock = clock;
  }

  /** Runs one request; its error leaves here as a Failure, unless it has no row or `raw` claims it. */
  async call<Answer>(send: () => Promise<Answer>, options: CallOptions = {}): Promise<Answer> {
    const { retry = true, raw = () => false } = options;
    try {
      return await send().catch((error: unknown) => {
        if (retry && isWorthOneRetry(error)) return send();
        throw error;
      });
    } catch (error) {
      throw raw(error) ? error : this.translate(error);
    }
  }

  translate(error: unknown): unknown {
    const { name, region, onFailure } = this.options;
    const failure = translateS3Error(error, { destination: name, bucket: this.bucket, region });
    onFailure?.(failure);
    return failure;
  }

  /** The server's time, asking it where the last answer is too old. */
  async serverNow(): Promise<Date> {
    const known = this.#clock.now();
    if (known !== undefined) return known;
    await this.headBucket();
    const asked = this.#clock.now();
    if (asked === undefined) throw this.oddAnswer('no Date header');
    return asked;
  }

  /** The bucket's region; `bucket_missing` if there is none. */
  async headBucket(): Promise<string> {
    try {
      const head = () => this.client.send(new HeadBucketCommand({ Bucket: this.bucket }));
      const answer = await this.call(head, { raw: (error) => s3Status(error) !== undefined });
      return answer.BucketRegion ?? this.options.region;
    } catch (error) {
      if (s3Status(error) === 404) throw this.failure('bucket_missing', error);
      if (s3Status(error) === undefined) throw error;
      // An answer to HEAD has no body to say why; the answer to this one has.
      await this.call(() => this.client.send(new GetBucketVersioningCommand({ Bucket: this.bucket })));
      throw this.translate(error);
    }
  }

  /** What every new object is asked to have. */
  newObject(key: string, lock: Lock) {
    return {
      Bucket: this.bucket,
      Key: key,
      ContentType: 'application/octet-stream',
      ChecksumAlgorithm: 'SHA256',
      ObjectLockMode: lock.mode,
      ObjectLockRetainUntilDate: lock.retainUntil,
    } as const;
  }

  /** `value`, which an answer must have. */
  present<Value>(value: Value | undefined, what: string): Value {
    if (value === undefined) throw this.oddAnswer(`answer without ${what}`);
    return value;
  }

  oddAnswer(reason: string): Failure {
    return new Failure('s3_unavailable', { destination: this.options.name, reason });
  }

  failure(
    code: 'bucket_missing' | 'bucket_without_lock' | 'object_missing' | 'lock_refused',
    cause?: unknown,
  ): Failure {
    return new Failure(code, { destination: this.options.name, bucket: this.bucket }, { cause });
  }
}
