import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { makeS3Clients, type S3StoreOptions } from '../storage/s3-client.ts';
import { s3Status } from '../storage/s3-errors.ts';
import { ServerClock } from '../storage/server-clock.ts';

/** Rights, named as IAM does, that can be tried without changing anything. */
export const triedActions = [
  's3:GetBucketVersioning',
  's3:GetBucketObjectLockConfiguration',
  's3:ListBucketVersions',
  's3:ListBucketMultipartUploads',
  's3:GetObject',
  's3:GetObjectRetention',
  's3:GetObjectLegalHold',
  's3:PutObject',
  's3:PutObjectRetention',
  's3:PutObjectLegalHold',
  's3:DeleteObjectVersion',
  's3:PutBucketVersioning',
] as const;
export type TriedAction = (typeof triedActions)[number];

/** `unclear`: the server gave no answer, or one that says nothing about rights. */
export type TriedRight = 'granted' | 'refused' | 'unclear';

const dayMs = 86_400_000;

/**
 * Finds out what credentials may do in a bucket by requests that change nothing: about an object that does not exist, an
 * upload that is dropped at once, a setting that stays as it is. A server looks at rights first.
 *
 * @param key complete name of an object that is not there and never will be
 */
export async function tryRights(
  options: S3StoreOptions,
  key: string,
): Promise<ReadonlyMap<TriedAction, TriedRight>> {
  const clock = new ServerClock({ wallMs: () => Date.now(), monotonicMs: () => performance.now() });
  const { client, patientClient } = await makeS3Clients(options, clock);
  try {
    const tries = requests(client, options.bucket, key);
    const found = triedActions.map(async (action) => [action, await answerOf(tries[action])] as const);
    return new Map(await Promise.all(found));
  } finally {
    client.destroy();
    patientClient.destroy();
  }
}

function requests(
  client: S3Client,
  Bucket: string,
  Key: string,
): Readonly<Record<TriedAction, () => Promise<unknown>>> {
  const object = { Bucket, Key };
  // A version that never was: deleting it does nothing, and leaves no delete marker.
  const version = { ...object, VersionId: 'null' };
  return {
    's3:GetBucketVersioning': () => client.send(new GetBucketVersioningCommand({ Bucket })),
    's3:GetBucketObjectLockConfiguration': () =>
      client.send(new GetObjectLockConfigurationCommand({ Bucket })),
    's3:ListBucketVersions': () =>
      client.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key, MaxKeys: 1 })),
    's3:ListBucketMultipartUploads': () =>
      client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key, MaxUploads: 1 })),
    's3:GetObject': () => client.send(new GetObjectCommand(object)),
    's3:GetObjectRetention': () => client.send(new GetObjectRetentionCommand(object)),
    's3:GetObjectLegalHold': () => client.send(new GetObjectLegalHoldCommand(object)),
    's3:PutObject': async () => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
      await client.send(new AbortMultipartUploadCommand({ ...object, UploadId })).catch(() => {});
    },
    's3:PutObjectRetention': () => {
      const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + dayMs) } as const;
      return client.send(new PutObjectRetentionCommand({ ...object, Retention }));
    },
    's3:PutObjectLegalHold': () =>
      client.send(new PutObjectLegalHoldCommand({ ...object, LegalHold: { Status: 'ON' } })),
    's3:DeleteObjectVersion': () => client.send(new DeleteObjectCommand(version)),
    // On where Holdfast works at all.
    's3:PutBucketVersioning': () =>
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
  };
}

async function answerOf(send: () => Promise<unknown>): Promise<TriedRight> {
  try {
    await send();
    return 'granted';
  } catch (error) {
    const status = s3Status(error) ?? 0;
    if (status === 401 || status === 403) return 'refused';
    // Found nothing, or nothing to do: it was allowed to look.
    return status >= 400 && status < 500 && status !== 405 ? 'granted' : 'unclear';
  }
}
