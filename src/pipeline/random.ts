import { randomFillSync } from 'node:crypto';

const poolBytes = 8 * 1024;
let pool = Buffer.alloc(0);
let used = 0;

/**
 * Random bytes from the system's generator, for what becomes public: salts, nonces and IVs, each given out once. They are
 * fetched many at a time, because a question for 16 bytes costs as much as one for thousands. Never for keys: the pool
 * stays in memory.
 */
export function publicRandom(lengthBytes: number): Buffer {
  if (used + lengthBytes > pool.length) {
    // A new one, not filled again: what was given out is a part of the old one.
    pool = randomFillSync(Buffer.alloc(Math.max(poolBytes, lengthBytes)));
    used = 0;
  }
  used += lengthBytes;
  return pool.subarray(used - lengthBytes, used);
}
