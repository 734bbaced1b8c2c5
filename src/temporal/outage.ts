import { isGrpcServiceError } from '@temporalio/client';
import { Failure } from '../domain/failures.ts';

/** Throws Failure `temporal_unavailable` for an error that says so, any other as it is. */
export function translateOutage(error: unknown): never {
  throw isOutage(error) ? new Failure('temporal_unavailable', {}, { cause: error }) : error;
}

/** status codes of gRPC: DEADLINE_EXCEEDED and UNAVAILABLE. */
const outageCodes = [4, 14];

function isOutage(error: unknown): boolean {
  const cause = error instanceof Error && !isGrpcServiceError(error) ? error.cause : error;
  return isGrpcServiceError(cause) && outageCodes.includes(cause.code);
}
