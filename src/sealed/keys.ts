/** File keys: docs/format.md sections 1 (Expand) and 4.2. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** What sealed bytes are for; part of the key derivation, so one purpose never opens as another. */
export type Purpose = 'content' | 'manifest' | 'pack index';

/** A key that seals files: 64 random bytes, named by a random id of 16 bytes. */
export interface SealingKey {
  readonly id: Buffer;
  readonly secret: Buffer;
}

/** The two 32-byte keys of one sealed file. Key objects, because a raw key costs each cipher or MAC a conversion. */
export interface FileKeys {
  /** AES-256-CTR. */
  readonly encrypt: KeyObject;
  /** HMAC-SHA-256. */
  readonly authenticate: KeyObject;
}

const fileInfo = Buffer.from('holdfast/1/file', 'latin1');

export function deriveFileKeys(key: SealingKey, purpose: Purpose, iv: Buffer): FileKeys {
  const info = Buffer.concat([fileInfo, key.id, Buffer.from(purpose, 'latin1'), iv]);
  const material = expand(key.secret, info, 64);
  return {
    encrypt: createSecretKey(material.subarray(0, 32)),
    authenticate: createSecretKey(material.subarray(32)),
  };
}

const keyObjects = new WeakMap<Buffer, KeyObject>();

/** A key that is used again and again: turned into a key object once, because that costs as much as a short MAC. */
export function keyObject(key: Buffer): KeyObject {
  let known = keyObjects.get(key);
  if (known === undefined) {
    known = createSecretKey(key);
    keyObjects.set(key, known);
  }
  return known;
}

const lastBlock = Buffer.of(1);

/**
 * HKDF-Expand with SHA-512 (RFC 5869 section 2.3) for one block: `lengthBytes` from 1 to 64.
 * `key` is the PRK and must be uniformly random. Written out because Node's hkdf always extracts first.
 */
export function expand(key: Buffer, info: Buffer, lengthBytes: number): Buffer {
  if (lengthBytes < 1 || lengthBytes > 64) throw new RangeError('one HKDF block gives 1 to 64 bytes');
  const block = createHmac('sha512', keyObject(key)).update(info).update(lastBlock).digest();
  return block.subarray(0, lengthBytes);
}
