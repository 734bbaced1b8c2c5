import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Failure } from '../../src/domain/failures.ts';
import { readCredentialsFile } from '../../src/storage/credentials-file.ts';

/** The S3 service as `status --json` describes it. */
export interface S3Facts {
  readonly address: string;
  readonly bucket: string;
  readonly region: string;
  /** The bucket owner's: nobody has more rights. */
  readonly credentialsFile: string;
}

export interface Refusal {
  /** S3's own words. */
  readonly answer: string;
  readonly lockMode: string;
  readonly retainUntil: Date;
}

/**
 * Tries, as the bucket's owner, to delete a locked object version. Failure `lock_not_enforced` unless S3 refuses
 * and still has the version, locked, afterwards.
 */
export async function tryToDelete(s3: S3Facts, key: string, versionId: string): Promise<Refusal> {
  const client = new S3Client({
    endpoint: s3.address,
    region: s3.region,
    forcePathStyle: true,
    credentials: await readCredentialsFile(s3.credentialsFile, 'default', 'primary'),
    maxAttempts: 1,
  });
  const version = { Bucket: s3.bucket, Key: key, VersionId: versionId };
  try {
    const answer = await refusalOf(client.send(new DeleteObjectCommand(version)));
    const { Retention } = await client.send(new GetObjectRetentionCommand(version));
    if (answer === undefined || Retention?.Mode === undefined || Retention.RetainUntilDate === undefined)
      throw new Failure('lock_not_enforced');
    return { answer, lockMode: Retention.Mode, retainUntil: Retention.RetainUntilDate };
  } finally {
    client.destroy();
  }
}

async function refusalOf(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `HTTP ${error.$metadata.httpStatusCode} ${error.name}: ${error.message}`;
  }
}
