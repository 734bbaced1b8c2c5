import { BlockList, isIP } from 'node:net';
import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { isFailure } from '../domain/failures.ts';
import type { DestinationFacts } from './object-store.ts';
import type { S3Connection } from './s3-connection.ts';
import { s3Code } from './s3-errors.ts';

/** See `ObjectStore.facts`. */
export async function bucketFacts(connection: S3Connection): Promise<DestinationFacts> {
  const { client, bucket, options } = connection;
  const region = await connection.headBucket();
  const versioning = await connection.call(() =>
    client.send(new GetBucketVersioningCommand({ Bucket: bucket })),
  );
  const lock = await lockConfiguration(connection);
  const endpoint = options.endpoint ? new URL(options.endpoint) : undefined;
  const serverTime = await connection.serverNow();
  return {
    jurisdiction: options.jurisdiction,
    region,
    tls: endpoint === undefined || endpoint.protocol === 'https:',
    loopback: endpoint !== undefined && isLoopback(endpoint.hostname),
    versioning: versioning.Status === 'Enabled',
    ...lock,
    serverTime,
    clockSkewMs: Math.round(serverTime.getTime() - Date.now()),
  };
}

/** See `ObjectStore.ensureBucket`. */
export async function ensureBucket(connection: S3Connection): Promise<'made' | 'present'> {
  const outcome = await makeBucketIfMissing(connection);
  const { versioning, objectLock } = await bucketFacts(connection);
  if (!versioning || !objectLock) throw connection.failure('bucket_without_lock');
  return outcome;
}

async function makeBucketIfMissing(connection: S3Connection): Promise<'made' | 'present'> {
  try {
    await connection.headBucket();
    return 'present';
  } catch (error) {
    if (!isFailure(error, 'bucket_missing')) throw error;
  }
  const { region } = connection.options;
  const command = new CreateBucketCommand({
    Bucket: connection.bucket,
    ObjectLockEnabledForBucket: true,
    // Amazon refuses its first region by name.
    ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
  });
  const isOurs = (error: unknown) => s3Code(error) === 'BucketAlreadyOwnedByYou';
  try {
    await connection.call(() => connection.client.send(command), { raw: isOurs });
    return 'made';
  } catch (error) {
    if (isOurs(error)) return 'present';
    throw error;
  }
}

async function lockConfiguration(
  connection: S3Connection,
): Promise<Pick<DestinationFacts, 'objectLock' | 'defaultRetention'>> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: connection.bucket });
  const isAbsent = (error: unknown) => s3Code(error) === 'ObjectLockConfigurationNotFoundError';
  try {
    const answer = await connection.call(() => connection.client.send(command), { raw: isAbsent });
    const { ObjectLockEnabled, Rule } = answer.ObjectLockConfiguration ?? {};
    const { Mode: mode, Days, Years } = Rule?.DefaultRetention ?? {};
    // The longest a year can be: the figure is there to be judged too long.
    const days = Days ?? (Years ?? 0) * 366;
    return {
      objectLock: ObjectLockEnabled === 'Enabled',
      ...(mode && days > 0 ? { defaultRetention: { mode, days } } : {}),
    };
  } catch (error) {
    if (isAbsent(error)) return { objectLock: false };
    throw error;
  }
}

const loopbackAddresses = new BlockList();
loopbackAddresses.addSubnet('127.0.0.0', 8, 'ipv4');
loopbackAddresses.addAddress('::1', 'ipv6');

/** Whether the host of a URL is this machine by its very name: no look-up that somebody else could answer. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return loopbackAddresses.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
