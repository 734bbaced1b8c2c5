import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../domain/failures.ts';
import { readCredentialsFile } from './credentials-file.ts';
import { paceBodies, type UploadPace } from './paced-bodies.ts';
import { RangeReader } from './range-reader.ts';
import type { ServerClock } from './server-clock.ts';

export interface S3StoreOptions {
  /** The destination's name in the configuration. */
  readonly name: string;
  /** URL of an S3-compatible server; Amazon's own for the region when missing. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  /** Bucket in the path instead of the host name; most S3-compatible servers need it. */
  readonly forcePathStyle: boolean;
  /** AWS-format credentials file; the SDK's default chain when missing. */
  readonly credentialsFile?: string;
  /** Profile in that file or in the chain; `default` when missing. */
  readonly profile?: string;
  /** PEM file of CAs trusted beside the system's. */
  readonly caFile?: string;
  /** PEM files of what this client shows to a server that asks, both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name the server's certificate is checked for; the endpoint's host when missing. */
  readonly serverName?: string;
  /** Where the bytes rest, as policy names it. */
  readonly jurisdiction: string;
  /** How long a connection may be silent; 30 s when missing. */
  readonly idleTimeoutMs?: number;
  /** Rows per page of a listing, 1 to 1,000; 1,000 when missing. */
  readonly pageSize?: number;
  /** How fast bodies may leave; as fast as they go when missing. */
  readonly pace?: UploadPace;
  /** Told of each request that failed, as callers see it. */
  readonly onFailure?: (error: unknown) => void;
}

export interface S3Clients {
  readonly client: S3Client;
  /** For requests the server may think about for minutes without a byte: joining the parts of a large object. */
  readonly patientClient: S3Client;
  /** For what most requests of a restore are. */
  readonly rangeReader: RangeReader;
}

const connectTimeoutMs = 5_000;
const idleTimeoutMs = 30_000;
const patientTimeoutMs = 15 * 60_000;
/** The SDK asks anew 5 min before the end: with no more than that it would ask for every request. */
const credentialsLifeMs = 10 * 60_000;
/**
 * More than callers ever use at once: the connect timeout also runs while a request waits for a free socket,
 * so a smaller bound would make a busy pool look like a dead server.
 */
const maxSockets = 256;

/** Failure `s3_ca_unreadable` when a file of certificates cannot be read; nothing is sent yet. */
export async function makeS3Clients(options: S3StoreOptions, clock: ServerClock): Promise<S3Clients> {
  const tls = await tlsOptions(options);
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets });
  const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets, ...tls });
  const make = (socketTimeout: number): S3Client => {
    const client = new S3Client({
      region: options.region,
      ...(options.endpoint ? { endpoint: options.endpoint } : {}),
      // Content goes only where the configuration says, whatever AWS_ENDPOINT_URL is.
      ignoreConfiguredEndpointUrls: true,
      forcePathStyle: options.forcePathStyle,
      followRegionRedirects: false,
      ...(options.profile ? { profile: options.profile } : {}),
      ...(options.credentialsFile
        ? { credentials: credentialsProvider(options, options.credentialsFile) }
        : {}),
      maxAttempts: 1,
      // The SDK's own default, CRC32, is refused by some servers; SHA-256 is set on every write instead.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Costs a round trip, and a connection of its own, per PUT.
      expectContinueHeader: false,
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout,
        httpAgent,
        httpsAgent,
        logger: silent,
      },
    });
    observeServerClock(client, clock);
    signWithKnownHash(client);
    if (options.pace) paceBodies(client, options.pace);
    return client;
  };
  const timeoutMs = options.idleTimeoutMs ?? idleTimeoutMs;
  const client = make(timeoutMs);
  const rangeReader = new RangeReader({
    ...options,
    client,
    httpAgent,
    httpsAgent,
    idleTimeoutMs: timeoutMs,
  });
  return { client, patientClient: make(patientTimeoutMs), rangeReader };
}

async function tlsOptions({ name, caFile, certFile, keyFile, serverName }: S3StoreOptions) {
  try {
    return {
      ...(caFile === undefined
        ? {}
        : { ca: [...getCACertificates('default'), await readFile(caFile, 'utf8')] }),
      ...(certFile === undefined || keyFile === undefined
        ? {}
        : { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new Failure('s3_ca_unreadable', { destination: name, reason });
  }
}

/** Reads the file again every few minutes, so that rotated credentials need no restart. */
function credentialsProvider(options: S3StoreOptions, file: string) {
  return async () => ({
    ...(await readCredentialsFile(file, options.profile ?? 'default', options.name)),
    expiration: new Date(Date.now() + credentialsLifeMs),
  });
}

const silent = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

interface RawRequest {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

interface RawResponse {
  readonly headers: Record<string, string>;
}

function observeServerClock(client: S3Client, clock: ServerClock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      clock.observe((result.response as RawResponse).headers.date);
      return result;
    },
    // Low: nearest to the wire, before an error answer becomes an exception.
    { name: 'observeServerClock', step: 'deserialize', priority: 'low' },
  );
}

/** The signature covers the body's SHA-256: hand it the checksum that is known, instead of hashing again. */
function signWithKnownHash(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as RawRequest;
      const checksum = request.headers['x-amz-checksum-sha256'];
      if (checksum !== undefined && request.body !== undefined) {
        request.headers['x-amz-content-sha256'] = Buffer.from(checksum, 'base64').toString('hex');
      }
      return next(args);
    },
    // Low: after the checksum header is there.
    { name: 'signWithKnownHash', step: 'build', priority: 'low' },
  );
}
