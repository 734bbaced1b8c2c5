import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Id } from '../../src/domain/records.ts';
import type { SealingKey } from '../../src/sealed/keys.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { writeContentPack } from '../../src/sealed/write-content-pack.ts';

/** A sealed file that is to lie in a pack. */
export interface ToPack {
  readonly sealed: Buffer;
  readonly source: Id;
  readonly entry: Id;
  readonly version: Id;
}

export interface Packed {
  /** Without prefix. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly members: readonly { readonly offset: number; readonly length: number; readonly version: Id }[];
}

/** A content pack, after docs/format.md section 5.4. `naming` is any key: readers never hold the name against it. */
export function packOf(
  files: readonly ToPack[],
  key: SealingKey,
  scope: string,
  naming = randomBytes(64),
): Packed {
  const ivs = files.map(({ sealed }) => sealed.subarray(0, 16));
  const name = `packs/${createHmac('sha256', naming).update(Buffer.concat(ivs)).digest('hex')}`;
  const keyId = key.id.toString('hex');
  const { bytes, members } = writeContentPack(
    name,
    files.map(({ sealed, source, entry, version }) => ({ bytes: sealed, keyId, source, entry, version })),
    { scope, key, iv: randomBytes(16) },
  );
  return {
    name,
    bytes,
    members: members.map(({ offset, length }, at) => ({ offset, length, version: files[at]?.version ?? '' })),
  };
}

/** The index of a pack with any content. */
export function sealedIndex(
  content: Buffer,
  { key, scope, name }: { readonly key: SealingKey; readonly scope: string; readonly name: string },
): Buffer {
  return sealWhole(
    {
      key,
      iv: randomBytes(16),
      purpose: 'pack index',
      path: Buffer.from(name),
      metadata: {
        v: 1,
        purpose: 'pack index',
        size: content.length,
        sha512: hash('sha512', content, 'hex'),
        sha256: hash('sha256', content, 'hex'),
        scope,
      },
      plaintextLength: content.length,
      compression: { algorithm: 'zstd', level: 3 },
    },
    content,
  );
}
