/** Inputs the tests of sealed files share. */
import { createHash, hash, randomBytes } from 'node:crypto';
import { isFailure } from '../../src/domain/failures.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { segmentSizeFor } from '../../src/sealed/layout.ts';
import type { SealedMetadata } from '../../src/sealed/metadata.ts';
import type { ByteSource, OpenOptions } from '../../src/sealed/open.ts';
import { Sealer, type SealPlan } from '../../src/sealed/seal.ts';

export const mebibyte = 1024 * 1024;

export const key: SealingKey = { id: Buffer.alloc(16, 0x11), secret: Buffer.alloc(64, 0x22) };

export const options: OpenOptions = {
  keys: (id) => (id.equals(key.id) ? key : undefined),
  purpose: 'content',
};

export function metadataOf(content: Buffer, changes: Partial<SealedMetadata> = {}): SealedMetadata {
  return {
    v: 1,
    source: 'a'.repeat(32),
    entry: 'b'.repeat(32),
    version: 'c'.repeat(32),
    observation: 1,
    purpose: 'content',
    kind: 'file',
    size: content.length,
    mode: 0o640,
    uid: 0,
    gid: 0,
    mtimeNs: '1',
    sha512: hash('sha512', content, 'hex'),
    sha256: hash('sha256', content, 'hex'),
    scope: 'default',
    class: 'standard',
    ...changes,
  };
}

export function planFor(content: Buffer, changes: Partial<SealPlan> = {}): SealPlan {
  return {
    key,
    iv: randomBytes(16),
    purpose: 'content',
    path: Buffer.from('folder/file.txt'),
    metadata: metadataOf(content),
    plaintextLength: content.length,
    compression: { algorithm: 'none', level: 3 },
    ...changes,
  };
}

/** Deterministic bytes that do not compress. */
export function noise(sizeBytes: number, label = 'noise'): Buffer {
  return createHash('shake256', { outputLength: sizeBytes }).update(label).digest();
}

/** Deterministic bytes of which about half compress away. */
export function prose(sizeBytes: number, label = 'prose'): Buffer {
  return Buffer.from(
    noise(Math.ceil(sizeBytes / 2), label)
      .toString('hex')
      .slice(0, sizeBytes),
  );
}

/** Seals as a large upload does: segments compress ahead, two at a time. */
export async function sealStreamed(plan: SealPlan, content: Buffer): Promise<Buffer> {
  const sealer = new Sealer(plan);
  const segmentSize = segmentSizeFor(content.length);
  const parts = [sealer.header()];
  for (let at = 0; at < content.length; at += 2 * segmentSize) {
    const pair = [at, at + segmentSize]
      .filter((start) => start < content.length)
      .map((start) => sealer.compress(content.subarray(start, start + segmentSize)));
    for (const segment of await Promise.all(pair)) parts.push(sealer.append(segment));
  }
  parts.push(sealer.trailer());
  return Buffer.concat(parts);
}

export function sourceOf(bytes: Buffer): ByteSource {
  return {
    lengthBytes: bytes.length,
    read: async (offset, length) => Buffer.from(bytes.subarray(offset, offset + length)),
  };
}

/** The code of the Failure that `action` ends in, or undefined where it does not. Anything else thrown is rethrown. */
export async function refusalOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
}
