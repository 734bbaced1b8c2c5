/** Making a content pack: docs/format.md section 5.4. */
import { hash } from 'node:crypto';
import { canonical } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import type { SealingKey } from './keys.ts';
import { layMembers, packBytes } from './pack.ts';
import { sealWhole } from './seal.ts';

/** A sealed file of purpose `content` that is to lie in a pack. */
export interface PackedFile {
  readonly bytes: Buffer;
  readonly keyId: Id;
  readonly source: Id;
  readonly entry: Id;
  readonly version: Id;
}

export interface WrittenPack {
  readonly bytes: Buffer;
  /** Where each file lies, in the order given. */
  readonly members: readonly { readonly offset: number; readonly length: number }[];
}

/**
 * The bytes of a pack.
 *
 * @param name of the object, without prefix; of the files' IVs in this order
 * @param index what its index is sealed with: a key of the scope that all files have, and a fresh IV of 16 bytes
 */
export function writeContentPack(
  name: string,
  files: readonly PackedFile[],
  index: { readonly scope: string; readonly key: SealingKey; readonly iv: Buffer },
): WrittenPack {
  const { scope, key, iv } = index;
  const members = layMembers(
    files.map(({ bytes, keyId, source, entry, version }) => ({
      bytes,
      facts: { scope, keyId, source, entry, version },
    })),
  );
  const content = canonical({ v: 1, kind: 'content', members });
  const sealedIndex = sealWhole(
    {
      ...{ key, iv, purpose: 'pack index', path: Buffer.from(name), plaintextLength: content.length },
      metadata: {
        v: 1,
        purpose: 'pack index',
        size: content.length,
        sha512: hash('sha512', content, 'hex'),
        sha256: hash('sha256', content, 'hex'),
        scope,
      },
      compression: { algorithm: 'zstd', level: 3 },
    },
    content,
  );
  return {
    bytes: packBytes(
      files.map(({ bytes }) => bytes),
      sealedIndex,
    ),
    members,
  };
}
