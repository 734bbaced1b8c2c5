import { GetObjectRetentionCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Lock } from '../domain/records.ts';
import { extension } from './locks.ts';
import type { VersionName } from './object-store.ts';
import type { S3Connection } from './s3-connection.ts';
import { isMissingVersion, s3Code } from './s3-errors.ts';

/** The lock of one version. Not being allowed to see it is the failure `s3_denied`, never 'no lock'. */
export async function readRetention(
  connection: S3Connection,
  { key, versionId }: VersionName,
): Promise<Lock | 'no lock' | 'no such version'> {
  const command = new GetObjectRetentionCommand({
    Bucket: connection.bucket,
    Key: key,
    VersionId: versionId,
  });
  try {
    const { Retention } = await connection.call(() => connection.client.send(command), {
      raw: (error) => isMissingVersion(error) || isMissingLock(error),
    });
    return lockOf(Retention?.Mode, Retention?.RetainUntilDate) ?? 'no lock';
  } catch (error) {
    if (isMissingVersion(error)) return 'no such version';
    if (isMissingLock(error)) return 'no lock';
    throw error;
  }
}

/** See `ObjectStore.extendLock`. */
export async function extendLock(connection: S3Connection, object: VersionName, wanted: Lock): Promise<Lock> {
  const present = await presentLock(connection, object);
  const asked = extension(present, wanted);
  if (asked === undefined) return present ?? wanted;
  await askForLock(connection, object, asked);
  const inForce = await presentLock(connection, object);
  if (inForce === undefined || extension(inForce, wanted) !== undefined) {
    throw connection.failure('lock_refused');
  }
  return inForce;
}

/** The lock in S3's words; undefined unless both are there. */
export function lockOf(mode: string | undefined, retainUntil: Date | undefined): Lock | undefined {
  if (retainUntil === undefined || (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE')) return undefined;
  return { mode, retainUntil };
}

async function presentLock(connection: S3Connection, object: VersionName): Promise<Lock | undefined> {
  const retention = await readRetention(connection, object);
  if (retention === 'no such version') throw connection.failure('object_missing');
  return retention === 'no lock' ? undefined : retention;
}

async function askForLock(connection: S3Connection, { key, versionId }: VersionName, lock: Lock) {
  const command = new PutObjectRetentionCommand({
    Bucket: connection.bucket,
    Key: key,
    VersionId: versionId,
    ChecksumAlgorithm: 'SHA256',
    Retention: { Mode: lock.mode, RetainUntilDate: lock.retainUntil },
  });
  // Also what S3 answers when somebody else has just asked for more: what is in force decides, not this.
  const isRefusal = (error: unknown) => s3Code(error) === 'AccessDenied';
  await connection
    .call(() => connection.client.send(command), { raw: isRefusal })
    .catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
}

/** `InvalidRequest` is Amazon's answer in a bucket without Object Lock. */
function isMissingLock(error: unknown): boolean {
  const code = s3Code(error);
  return code === 'NoSuchObjectLockConfiguration' || code === 'InvalidRequest';
}
