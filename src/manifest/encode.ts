/** Making a manifest: docs/format.md section 6. */
import { hash, randomBytes } from 'node:crypto';
import { canonical } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import { repositoryScope } from '../keys/keyring-files.ts';
import type { Purpose, SealingKey } from '../sealed/keys.ts';
import { ivBytes, segmentSizeFor } from '../sealed/layout.ts';
import { layMembers, packBytes } from '../sealed/pack.ts';
import { Sealer } from '../sealed/seal.ts';
import { manifestName } from './names.ts';
import type { ManifestHead, ManifestRow } from './records.ts';
import { maxManifestBytes, maxRows, maxSectionsBytes } from './schema.ts';

/** A part of a manifest before it is sealed. */
export interface ManifestPart {
  readonly purpose: Exclude<Purpose, 'content'>;
  readonly scope: string;
  /** The object's name without prefix. */
  readonly objectName: string;
  readonly content: Buffer;
}

/** Seals a part for its scope. A host that cannot read what it writes has another one than {@link keySealer}. */
export type PartSealer = (part: ManifestPart) => Promise<{ readonly bytes: Buffer; readonly keyId: Id }>;

/** Rows by the name of the scope whose key seals them; none of them empty. */
export type ManifestSections = ReadonlyMap<string, readonly ManifestRow[]>;

/**
 * The bytes of the manifest that `head` names. RangeError for more rows or bytes than the format allows: who gathers the
 * rows keeps to the limits.
 */
export async function sealManifest(o: {
  readonly head: ManifestHead;
  readonly sections: ManifestSections;
  readonly seal: PartSealer;
}): Promise<Buffer> {
  const { head, sections, seal } = o;
  const objectName = manifestName(head.source, head.number);
  const contents = [...sections].map(([scope, rows]) => ({
    scope,
    rows,
    content: joinLines([head, ...rows]),
  }));
  const rowCount = contents.reduce((sum, { rows }) => sum + rows.length, 0);
  const contentBytes = contents.reduce((sum, { content }) => sum + content.length, 0);
  if (rowCount > maxRows || contentBytes > maxSectionsBytes)
    throw new RangeError('too much for one manifest');
  const sealed: { bytes: Buffer; facts: { scope: string; keyId: Id; rows: number } }[] = [];
  for (const { scope, rows, content } of contents) {
    if (rows.length === 0) throw new RangeError('a section without rows');
    const { bytes, keyId } = await seal({ purpose: 'manifest', scope, objectName, content });
    sealed.push({ bytes, facts: { scope, keyId, rows: rows.length } });
  }
  const index = canonical({ v: 1, head, members: layMembers(sealed) });
  const sealedIndex = await seal({
    purpose: 'pack index',
    scope: repositoryScope,
    objectName,
    content: index,
  });
  const bytes = packBytes(
    sealed.map((part) => part.bytes),
    sealedIndex.bytes,
  );
  if (bytes.length > maxManifestBytes) throw new RangeError('a manifest longer than the format allows');
  return bytes;
}

const zstd = { algorithm: 'zstd', level: 3 } as const;

/** Seals under the repository's own keys. */
export function keySealer(keys: { sealingKey(scope: string): SealingKey }): PartSealer {
  return async ({ purpose, scope, objectName, content }) => {
    const key = keys.sealingKey(scope);
    const sealer = new Sealer({
      key,
      iv: randomBytes(ivBytes),
      purpose,
      path: Buffer.from(objectName),
      metadata: {
        v: 1,
        purpose,
        size: content.length,
        sha512: hash('sha512', content, 'hex'),
        sha256: hash('sha256', content, 'hex'),
        scope,
      },
      plaintextLength: content.length,
      compression: zstd,
    });
    const parts = [sealer.header()];
    const segmentSize = segmentSizeFor(content.length);
    for (let at = 0; at < content.length; at += segmentSize) {
      parts.push(sealer.append(await sealer.compress(content.subarray(at, at + segmentSize))));
    }
    parts.push(sealer.trailer());
    return { bytes: Buffer.concat(parts), keyId: key.id.toString('hex') };
  };
}

const newline = Buffer.from('\n');

/** Each value as one line of canonical JSON. */
export function joinLines(values: readonly object[]): Buffer {
  return Buffer.concat(values.flatMap((value) => [canonical(value), newline]));
}
