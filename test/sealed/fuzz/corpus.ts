import { footerBytes, footerMacBytes, footerOffset, headBytes, ivBytes } from '../../../src/sealed/layout.ts';
import type { OpenOptions } from '../../../src/sealed/open.ts';
import { sealWhole } from '../../../src/sealed/seal.ts';
import { mebibyte, noise, planFor, prose } from '../samples.ts';
import { contentOf, keyOf, readVectors } from '../vectors.ts';

/** A sealed file that opens, and what it holds. */
export interface Original {
  readonly sealed: Buffer;
  readonly content: Buffer;
}

const vectors = readVectors('sealed').filter(({ expect }) => expect === 'success');

function vectorKey() {
  const [first] = vectors;
  if (first === undefined) throw new Error('no vectors');
  return keyOf(first);
}

/** The key of every original: bytes of one may be put into another. */
export const key = vectorKey();

export const options: OpenOptions = {
  keys: (id) => (id.equals(key.id) ? key : undefined),
  purpose: 'content',
};

const iv = (fill: number): Buffer => Buffer.alloc(ivBytes, fill);
const zstd = { algorithm: 'zstd', level: 3 } as const;

function seal(content: Buffer, changes: Parameters<typeof planFor>[1]): Original {
  return { content, sealed: sealWhole(planFor(content, { key, ...changes }), content) };
}

export const small: readonly Original[] = [
  ...vectors.map((vector) => ({ sealed: vector.body, content: contentOf(vector) })),
  seal(prose(5_000), { iv: iv(1), compression: zstd }),
  seal(prose(5_000), { iv: iv(2), compression: zstd }),
];

/** Of several segments. */
export const large: readonly Original[] = [
  seal(noise(2 * mebibyte + 77), { iv: iv(3) }),
  seal(prose(3 * mebibyte), { iv: iv(4), compression: zstd }),
];

/** Where the parts of a sealed file begin and end: IV, metadata length, metadata, segments, table, footer, its MAC. */
export function boundaries(sealed: Buffer): readonly number[] {
  const footerAt = sealed.length - footerBytes;
  const metadataEnd = headBytes + sealed.readUInt32BE(ivBytes);
  const tableLength = Number(sealed.readBigUInt64BE(footerAt + footerOffset.tableLength));
  const macAt = sealed.length - footerMacBytes;
  return [0, ivBytes, headBytes, metadataEnd, footerAt - tableLength, footerAt, macAt, sealed.length];
}
