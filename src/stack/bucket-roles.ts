import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { makeS3Clients, type S3StoreOptions } from '../storage/s3-client.ts';
import { ServerClock } from '../storage/server-clock.ts';
import type { Paths } from './paths.ts';
import { roleBucketPolicy, s3CredentialFiles } from './services/s3-roles.ts';

/** Gives the embedded server's roles their rights on the bucket, as its owner. */
export async function allowRoles(owner: S3StoreOptions, paths: Paths): Promise<void> {
  const clock = new ServerClock({ wallMs: () => Date.now(), monotonicMs: () => performance.now() });
  const { client } = await makeS3Clients(owner, clock);
  try {
    const Policy = roleBucketPolicy(owner.bucket, s3CredentialFiles(paths.home));
    await client.send(new PutBucketPolicyCommand({ Bucket: owner.bucket, Policy }));
  } finally {
    client.destroy();
  }
}
