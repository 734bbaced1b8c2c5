import { S3ServiceException } from '@aws-sdk/client-s3';
import { Failure } from '../domain/failures.ts';

/** Where a fault happened, in words an operator knows. */
export interface S3Place {
  readonly destination: string;
  readonly bucket: string;
  readonly region: string;
}

/**
 * The error code of an S3 answer ("SlowDown", "AccessDenied"), or undefined for what is no S3 answer.
 * Answers to HEAD have no body: there it is a word for the status ("NotFound").
 */
export function s3Code(error: unknown): string | undefined {
  return error instanceof S3ServiceException ? error.name : undefined;
}

/** HTTP status of an S3 answer, if it is one. */
export function s3Status(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** No such object version: never stored, deleted, a delete marker, or not even a version id of this server. */
export function isMissingVersion(error: unknown): boolean {
  const code = s3Code(error);
  return (
    code === 'NoSuchKey' ||
    code === 'NoSuchVersion' ||
    code === 'MethodNotAllowed' ||
    (code === 'InvalidArgument' && /version id/i.test((error as Error).message))
  );
}

/** True where one more try at once is likely to do: a kept connection the server had closed, a corrected clock. */
export function isWorthOneRetry(error: unknown): boolean {
  const code = s3Code(error);
  if (code !== undefined) return code === 'RequestTimeTooSkewed';
  return ['ECONNRESET', 'EPIPE'].includes(systemCode(error) ?? '');
}

/** Translates an error of the SDK into a Failure; what has no row comes back unchanged. */
export function translateS3Error(error: unknown, place: S3Place): unknown {
  if (error instanceof Failure) return error;
  const { destination, bucket, region } = place;
  const code = s3Code(error);
  const status = s3Status(error) ?? 0;
  if (code === undefined) return translateTransportError(error, destination);

  const options = { cause: error };
  const facts = { destination, reason: code };
  if (code === 'NoSuchBucket') return new Failure('bucket_missing', { destination, bucket }, options);
  if (code === 'NoSuchUpload') return new Failure('upload_missing', { destination }, options);
  if (isMissingVersion(error)) return new Failure('object_missing', { destination }, options);
  if (wrongRegionCodes.has(code) || status === 301) {
    return new Failure('s3_wrong_region', { ...facts, region }, options);
  }
  if (checksumCodes.has(code) || isChecksumComplaint(error)) return new Failure('s3_corrupt', facts, options);
  if (transientCodes.has(code) || status === 429 || (status >= 500 && status !== 501)) {
    return new Failure('s3_unavailable', facts, options);
  }
  if (credentialCodes.has(code) || status === 401 || status === 403) {
    return new Failure('s3_denied', facts, options);
  }
  return error;
}

const wrongRegionCodes = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
const checksumCodes = new Set([
  'BadDigest',
  'InvalidDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'InvalidPart',
]);
const transientCodes = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'OperationAborted',
  'ConditionalRequestConflict',
]);
const credentialCodes = new Set([
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'BucketAlreadyExists',
]);

/** Some servers answer a wrong checksum with the general code. */
function isChecksumComplaint(error: unknown): boolean {
  return s3Code(error) === 'InvalidRequest' && /checksum/i.test((error as Error).message);
}

function translateTransportError(error: unknown, destination: string): unknown {
  if (!(error instanceof Error)) return error;
  // The message names files of the credential chain, and Temporal would keep it: no cause here.
  if (error.name === 'CredentialsProviderError') {
    return new Failure('s3_denied', { destination, reason: 'no credentials found' });
  }
  const code = systemCode(error);
  const unreachable =
    error.name === 'TimeoutError' || (code !== undefined && /^(E[A-Z]|ERR_|[A-Z]+_)/.test(code));
  if (!unreachable) return error;
  return new Failure(
    's3_unavailable',
    { destination, reason: error.name === 'TimeoutError' ? 'timeout' : (code ?? 'no connection') },
    { cause: error },
  );
}

/** Node's code of a network or TLS error ("ECONNREFUSED", "CERT_HAS_EXPIRED"). */
function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
