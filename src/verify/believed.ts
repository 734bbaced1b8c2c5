import { type FailureCode, isFailure } from '../domain/failures.ts';

/** What one look at stored bytes showed. */
export type Seen = 'ok' | 'missing' | 'tampered' | 'unreadable';

/** The store's `s3_corrupt` was tried again and again by then: the bytes do not come as they were written. */
const otherBytes: readonly FailureCode[] = ['tampered', 'unsupported_format', 's3_corrupt'];

/** Reads, and once more where that finds other bytes than were written. Throws what says nothing about the bytes. */
export async function believed(read: () => Promise<void>): Promise<Seen> {
  const first = await seen(read);
  return first === 'tampered' ? seen(read) : first;
}

async function seen(read: () => Promise<void>): Promise<Seen> {
  try {
    await read();
    return 'ok';
  } catch (error) {
    if (isFailure(error, 'unknown_key')) return 'unreadable';
    if (isFailure(error, 'object_missing')) return 'missing';
    if (isFailure(error) && otherBytes.includes(error.code)) return 'tampered';
    throw error;
  }
}
