import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, isFailure } from '../domain/failures.ts';

/** Pauses between tries of one request, in ms: about 30 s in all. */
export const defaultRetryPausesMs: readonly number[] = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * Repeats a request to a store that did not answer, or answered with bytes that changed on the way. Failure
 * `interrupted` when the signal is aborted meanwhile, else the last try's.
 */
export async function retrying<Result>(
  request: () => Promise<Result>,
  signal: AbortSignal,
  pausesMs: readonly number[],
): Promise<Result> {
  for (const pauseMs of pausesMs) {
    throwIfInterrupted(signal);
    try {
      return await request();
    } catch (error) {
      if (!isFailure(error, 's3_unavailable') && !isFailure(error, 's3_corrupt')) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
  throwIfInterrupted(signal);
  return request();
}

export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new Failure('interrupted');
}
