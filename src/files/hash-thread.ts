import { parentPort } from 'node:worker_threads';
import { errorCode } from './error-code.ts';
import { type HashedExtent, type Hashes, hashDescriptor } from './hash-descriptor.ts';

/** What this thread is asked for, one at a time. */
export interface HashJob extends HashedExtent {
  /** Its only element is 1 when nobody wants it any more. */
  readonly stop: Int32Array;
}

/** What it answers: how far it is, now and then, and in the end one of the others. Structured clones: a Buffer arrives as its bytes. */
export type HashAnswer =
  | { readonly bytesRead: number }
  | { readonly hashes: Omit<Hashes, 'segmentHashes'> & { readonly segmentHashes: Uint8Array } }
  /** It ended early, or was stopped. */
  | { readonly hashes: undefined }
  /** The read's system error: a clone of it would lose its code. */
  | { readonly error: { readonly message: string; readonly code: string | undefined } };

/** How often it says how far it is. Bytes. */
const reportBytes = 4 * 1024 * 1024;

parentPort?.on('message', (job: HashJob) => {
  const say = (answer: HashAnswer): void => parentPort?.postMessage(answer);
  let reported = 0;
  try {
    const hashes = hashDescriptor(job, (bytesRead) => {
      if (bytesRead - reported >= reportBytes) {
        reported = bytesRead;
        say({ bytesRead });
      }
      return Atomics.load(job.stop, 0) === 0;
    });
    say({ hashes });
  } catch (error) {
    say({
      error: { message: error instanceof Error ? error.message : String(error), code: errorCode(error) },
    });
  }
});
