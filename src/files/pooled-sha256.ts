import { webcrypto } from 'node:crypto';

/** SHA-256 on the thread pool: the event loop goes on meanwhile. Pays from some 100 KiB on, because the bytes are copied. */
export async function pooledSha256(bytes: Buffer): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes));
}
