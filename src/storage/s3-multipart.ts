import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isFailure } from '../domain/failures.ts';
import type { Lock } from '../domain/records.ts';
import type { CompleteResult, OpenUpload, Part, UploadName, UploadPartRequest } from './object-store.ts';
import type { S3Connection } from './s3-connection.ts';
import { s3Code, s3Status } from './s3-errors.ts';

/** See `ObjectStore.createMultipart`. */
export async function createMultipart(connection: S3Connection, key: string, lock: Lock): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    ...connection.newObject(key, lock),
    ChecksumType: 'COMPOSITE',
  });
  // A second try could leave an upload that nobody knows.
  const answer = await connection.call(() => connection.client.send(command), { retry: false });
  return connection.present(answer.UploadId, 'UploadId');
}

/** See `ObjectStore.uploadPart`. */
export async function uploadPart(connection: S3Connection, part: UploadPartRequest): Promise<string> {
  const command = new UploadPartCommand({
    ...uploadOf(connection, part),
    PartNumber: part.partNumber,
    Body: part.body,
    ContentLength: part.body.length,
    ChecksumAlgorithm: 'SHA256',
    ChecksumSHA256: part.sha256.toString('base64'),
  });
  const answer = await connection.call(() => connection.client.send(command));
  return connection.present(answer.ETag, 'ETag');
}

/** See `ObjectStore.listParts`. */
export async function listParts(
  connection: S3Connection,
  upload: UploadName,
): Promise<readonly Part[] | undefined> {
  const parts: Part[] = [];
  let marker: string | undefined;
  do {
    const command = new ListPartsCommand({
      ...uploadOf(connection, upload),
      MaxParts: connection.pageSize,
      PartNumberMarker: marker,
    });
    const page = await orMissing(connection.call(() => connection.client.send(command)));
    if (page === undefined) return undefined;
    for (const part of page.Parts ?? []) {
      parts.push({
        partNumber: connection.present(part.PartNumber, 'PartNumber'),
        etag: connection.present(part.ETag, 'ETag'),
        sha256: Buffer.from(connection.present(part.ChecksumSHA256, 'ChecksumSHA256'), 'base64'),
        lengthBytes: connection.present(part.Size, 'Size'),
      });
    }
    const next = page.IsTruncated ? connection.present(page.NextPartNumberMarker, 'marker') : undefined;
    if (next !== undefined && next === marker) throw connection.oddAnswer('listing stands still');
    marker = next;
  } while (marker !== undefined);
  return parts;
}

/** See `ObjectStore.completeMultipart`. */
export async function completeMultipart(
  connection: S3Connection,
  upload: UploadName,
  parts: readonly Part[],
  onTop: boolean,
): Promise<CompleteResult> {
  const command = new CompleteMultipartUploadCommand({
    ...uploadOf(connection, upload),
    ...(onTop ? {} : { IfNoneMatch: '*' }),
    MpuObjectSize: parts.reduce((sum, part) => sum + part.lengthBytes, 0),
    MultipartUpload: {
      Parts: parts.map((part) => ({
        PartNumber: part.partNumber,
        ETag: part.etag,
        ChecksumSHA256: part.sha256.toString('base64'),
      })),
    },
  });
  const isConflict = (error: unknown) => s3Code(error) === 'ConditionalRequestConflict';
  try {
    const answer = await connection.call(() => connection.patientClient.send(command), { raw: isConflict });
    // versitygw answers a repeated Complete so: done, but not which version.
    if (answer.VersionId === undefined) return { kind: 'upload_gone' };
    return { kind: 'stored', versionId: answer.VersionId };
  } catch (error) {
    if (s3Status(error) === 412) return { kind: 'exists' };
    if (isConflict(error)) return { kind: 'conflict' };
    if (isFailure(error, 'upload_missing')) return { kind: 'upload_gone' };
    // versitygw finds no parts where it should say that there is no upload.
    if (isFailure(error, 's3_corrupt') && (await listParts(connection, upload)) === undefined) {
      return { kind: 'upload_gone' };
    }
    throw error;
  }
}

/** See `ObjectStore.abortMultipart`. */
export async function abortMultipart(connection: S3Connection, upload: UploadName): Promise<void> {
  const command = new AbortMultipartUploadCommand(uploadOf(connection, upload));
  await orMissing(connection.call(() => connection.client.send(command)));
}

/** See `ObjectStore.listMultiparts`. */
export async function* listMultiparts(connection: S3Connection, prefix: string): AsyncIterable<OpenUpload> {
  let marker: Marker | undefined;
  do {
    const page = await multipartPage(connection, prefix, marker);
    for (const upload of page.Uploads ?? []) {
      yield {
        key: connection.present(upload.Key, 'Key'),
        uploadId: connection.present(upload.UploadId, 'UploadId'),
        initiatedAt: connection.present(upload.Initiated, 'Initiated'),
      };
    }
    marker = page.IsTruncated
      ? {
          KeyMarker: connection.present(page.NextKeyMarker, 'NextKeyMarker'),
          UploadIdMarker: page.NextUploadIdMarker,
        }
      : undefined;
  } while (marker !== undefined);
}

interface Marker {
  KeyMarker: string;
  UploadIdMarker: string | undefined;
}

async function multipartPage(connection: S3Connection, Prefix: string, marker?: Marker) {
  const ask = (after: Partial<Marker> = {}) => {
    const page = { Bucket: connection.bucket, Prefix, MaxUploads: connection.pageSize };
    return connection.call(() =>
      connection.client.send(new ListMultipartUploadsCommand({ ...page, ...after })),
    );
  };
  return ask(marker).catch((error: unknown) => {
    // versitygw 1.8.0 refuses the upload id marker it has just given out.
    if (marker && s3Code(error) === 'InvalidArgument') return ask({ KeyMarker: marker.KeyMarker });
    throw error;
  });
}

function uploadOf(connection: S3Connection, { key, uploadId }: UploadName) {
  return { Bucket: connection.bucket, Key: key, UploadId: uploadId };
}

/** Undefined where the server does not know the upload. */
async function orMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isFailure(error, 'upload_missing')) return undefined;
    throw error;
  }
}
