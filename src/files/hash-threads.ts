import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashedExtent, Hashes } from './hash-descriptor.ts';
import type { HashAnswer, HashJob } from './hash-thread.ts';

/**
 * Two at least: one file on a disk that does not answer must not keep all others waiting. No more than files are read at once
 * (`semaphores.disk`).
 */
const mostThreads = Math.min(4, Math.max(2, availableParallelism()));
/** How long a thread without work stays. A thread takes 6 MB, and 30 ms to begin. */
const idleMs = 10_000;
const script = new URL(`./hash-thread${extname(import.meta.filename)}`, import.meta.url);

export interface HashProgress {
  readonly onProgress?: (bytesRead: number) => void;
  readonly signal?: AbortSignal;
}

const idle: HashThread[] = [];
const waiting: ((thread: HashThread) => void)[] = [];
let made = 0;

/**
 * Hashes an open file on a thread of its own, so that sealing and sending other files goes on meanwhile; undefined when it ended early.
 * Nothing reads the descriptor any more when this settles. Throws the read's system error or the signal's reason.
 */
export async function hashElsewhere(
  extent: HashedExtent,
  progress: HashProgress,
): Promise<Hashes | undefined> {
  const thread = await takeThread();
  try {
    const hashes = await thread.hash(extent, progress);
    progress.signal?.throwIfAborted();
    return hashes;
  } finally {
    giveBack(thread);
  }
}

function takeThread(): Promise<HashThread> {
  const free = idle.pop();
  if (free !== undefined) return Promise.resolve(free);
  if (made === mostThreads) return new Promise((resolve) => waiting.push(resolve));
  made += 1;
  return Promise.resolve(new HashThread());
}

function giveBack(thread: HashThread): void {
  const next = waiting.shift();
  if (next !== undefined) next(thread.isDead ? new HashThread() : thread);
  else if (thread.isDead) made -= 1;
  else {
    idle.push(thread);
    thread.rest(() => takeOut(thread));
  }
}

/** An idle thread that must not be given out any more. */
function takeOut(thread: HashThread): void {
  const at = idle.indexOf(thread);
  if (at < 0) return;
  idle.splice(at, 1);
  made -= 1;
}

/** A thread, for one file at a time. */
class HashThread {
  isDead = false;
  private readonly worker: Worker;
  private resting: NodeJS.Timeout | undefined;

  constructor() {
    // It needs neither this process's environment nor its arguments, and little memory.
    const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };
    this.worker = new Worker(script, { execArgv: [], resourceLimits });
    this.worker.unref();
    this.worker
      .on('error', () => {})
      .once('exit', () => {
        this.isDead = true;
        takeOut(this);
      });
  }

  hash(extent: HashedExtent, { onProgress, signal }: HashProgress): Promise<Hashes | undefined> {
    clearTimeout(this.resting);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const abort = (): void => void Atomics.store(stop, 0, 1);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    this.worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Hashes | undefined>();
    const onMessage = (answer: HashAnswer): void => {
      if ('bytesRead' in answer) onProgress?.(answer.bytesRead);
      else if ('error' in answer) reject(Object.assign(new Error(answer.error.message), answer.error));
      else resolve(answer.hashes && withBuffer(answer.hashes));
    };
    const onExit = (): void => reject(new Error('the thread that hashed has ended'));
    this.worker.on('message', onMessage).once('exit', onExit);
    this.worker.postMessage({ ...extent, stop } satisfies HashJob);
    return promise.finally(() => {
      signal?.removeEventListener('abort', abort);
      this.worker.off('message', onMessage).off('exit', onExit);
      this.worker.unref();
    });
  }

  /** Ends it unless there is work soon; `before` is called first. */
  rest(before: () => void): void {
    const end = (): void => {
      before();
      void this.worker.terminate();
    };
    this.resting = setTimeout(end, idleMs).unref();
  }
}

function withBuffer({
  segmentHashes,
  ...hashes
}: Omit<Hashes, 'segmentHashes'> & { segmentHashes: Uint8Array }): Hashes {
  const { buffer, byteOffset, length } = segmentHashes;
  return { ...hashes, segmentHashes: Buffer.from(buffer, byteOffset, length) };
}
