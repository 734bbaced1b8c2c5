import { hash, randomBytes } from 'node:crypto';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { sealWhole } from '../../src/sealed/seal.ts';

/** A sealed file of this content and path, not compressed. */
export function sealSample(key: SealingKey, content: Buffer, path: string): Buffer {
  return sealWhole(
    {
      key,
      iv: randomBytes(16),
      purpose: 'content',
      path: Buffer.from(path),
      plaintextLength: content.length,
      compression: { algorithm: 'none', level: 0 },
      metadata: {
        v: 1,
        source: 'a'.repeat(32),
        entry: 'b'.repeat(32),
        version: 'c'.repeat(32),
        observation: 1,
        purpose: 'content',
        kind: 'file',
        size: content.length,
        mode: 0o640,
        uid: 1000,
        gid: 1000,
        mtimeNs: '1700000000123456789',
        sha512: hash('sha512', content, 'hex'),
        sha256: hash('sha256', content, 'hex'),
        scope: 'default',
        class: 'standard',
      },
    },
    content,
  );
}
