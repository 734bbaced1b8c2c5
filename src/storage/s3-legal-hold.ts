import { PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import type { VersionName } from './object-store.ts';
import type { S3Connection } from './s3-connection.ts';
import { s3Code, s3Status } from './s3-errors.ts';

/** See `ObjectStore.setLegalHold`. */
export async function setLegalHold(
  connection: S3Connection,
  { key, versionId, isHeld }: VersionName & { isHeld: boolean },
): Promise<'set' | 'unsupported'> {
  const command = new PutObjectLegalHoldCommand({
    Bucket: connection.bucket,
    Key: key,
    VersionId: versionId,
    ChecksumAlgorithm: 'SHA256',
    LegalHold: { Status: isHeld ? 'ON' : 'OFF' },
  });
  const isUnsupported = (error: unknown) => s3Status(error) === 501 || s3Code(error) === 'NotImplemented';
  try {
    await connection.call(() => connection.client.send(command), { raw: isUnsupported });
    return 'set';
  } catch (error) {
    if (isUnsupported(error)) return 'unsupported';
    throw error;
  }
}
