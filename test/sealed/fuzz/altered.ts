import { footerBytes, footerOffset, ivBytes } from '../../../src/sealed/layout.ts';
import { boundaries, large, type Original, small } from './corpus.ts';
import type { Random } from './random.ts';

/** What somebody can do to bytes without the key. `other` gives those of another object. */
type Alteration = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer;

const flipBit: Alteration = (bytes, random) =>
  changed(bytes, (copy) => {
    const at = random.below(copy.length);
    copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.below(8)), at);
  });

const setByte: Alteration = (bytes, random) =>
  changed(bytes, (copy) => copy.writeUInt8(random.below(256), random.below(copy.length)));

const zeroRange: Alteration = (bytes, random) =>
  changed(bytes, (copy) => {
    const [from, to] = range(copy, random);
    copy.fill(0, from, to);
  });

const cut: Alteration = (bytes, random) => {
  const [from, to] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const cutEnd: Alteration = (bytes, random) => bytes.subarray(0, random.below(bytes.length));
const cutStart: Alteration = (bytes, random) => bytes.subarray(1 + random.below(bytes.length));

const insert: Alteration = (bytes, random) => {
  const at = random.pick([0, bytes.length, random.below(bytes.length + 1)]);
  const added = random.bytes(1 + random.below(300));
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
};

const repeatRange: Alteration = (bytes, random) => {
  const [from, to] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
};

const swapRanges: Alteration = (bytes, random) => {
  const [a, b, c, d] = [0, 0, 0, 0].map(() => random.below(bytes.length + 1)).sort((x, y) => x - y);
  return Buffer.concat([
    bytes.subarray(0, a),
    bytes.subarray(c, d),
    bytes.subarray(b, c),
    bytes.subarray(a, b),
    bytes.subarray(d),
  ]);
};

const editLength: Alteration = (bytes, random, other) => {
  const footerAt = bytes.length - footerBytes;
  if (footerAt < ivBytes + 4) return cutEnd(bytes, random, other);
  return changed(bytes, (copy) => writeNumber(copy, random.pick(lengthFields(footerAt)), random));
};

/** The start of one file, the rest of another. */
const splice: Alteration = (bytes, random, other) => {
  const rest = other();
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    rest.subarray(random.below(rest.length)),
  ]);
};

const alterations = [
  ...[flipBit, setByte, zeroRange, cut, cutEnd, cutStart],
  ...[insert, repeatRange, swapRanges, editLength, splice],
];

/** Bytes made from originals by one to three alterations, or by exchanging a part with that of another file. */
export function alteredBytes(random: Random): Buffer {
  const { sealed } = anOriginal(random);
  if (random.chance(0.2)) return exchangePart(sealed, anOriginal(random).sealed, random);
  return alter(sealed, random, () => anOriginal(random).sealed);
}

/** One to three alterations. */
export function alter(original: Buffer, random: Random, other: () => Buffer): Buffer {
  let bytes = original;
  for (let left = 1 + random.below(3); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(alterations)(bytes, random, other);
  }
  return bytes;
}

export function anOriginal(random: Random): Original {
  return random.chance(0.01) ? random.pick(large) : random.pick(small);
}

function exchangePart(into: Buffer, from: Buffer, random: Random): Buffer {
  const [cuts, fromCuts] = [boundaries(into), boundaries(from)];
  const part = random.below(cuts.length - 1);
  return Buffer.concat([
    into.subarray(0, cuts[part]),
    from.subarray(fromCuts[part], fromCuts[part + 1]),
    into.subarray(cuts[part + 1]),
  ]);
}

/** A number field of a sealed file: where, and how many bytes wide. */
export type NumberField = readonly [at: number, widthBytes: 2 | 4 | 8];

/** The fields of the footer that hold numbers. */
export const footerFields: readonly NumberField[] = [
  [footerOffset.version, 2],
  [footerOffset.compression, 2],
  [footerOffset.segmentSize, 4],
  [footerOffset.segmentCount, 4],
  [footerOffset.reservedWord, 4],
  [footerOffset.plaintextLength, 8],
  [footerOffset.ciphertextLength, 8],
  [footerOffset.tableLength, 8],
  [footerOffset.reservedTail, 8],
];

function lengthFields(footerAt: number): readonly NumberField[] {
  return [[ivBytes, 4], ...footerFields.map(([at, width]) => [footerAt + at, width] as const)];
}

const edges = [0n, 1n, 2n, 0x7fffn, 0x10_0000n, 0x10_0001n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn].concat(
  [46n, 53n, 62n, 63n, 64n].flatMap((power) => [2n ** power - 1n, 2n ** power]),
);

/** Writes an edge value, or one near what is there. */
export function writeNumber(bytes: Buffer, [at, widthBytes]: NumberField, random: Random): void {
  const old = BigInt(`0x${bytes.toString('hex', at, at + widthBytes)}`);
  const value = random.chance(0.5) ? random.pick(edges) : old + BigInt(random.below(7) - 3);
  const text = BigInt.asUintN(8 * widthBytes, value).toString(16);
  bytes.write(text.padStart(2 * widthBytes, '0'), at, 'hex');
}

function changed(bytes: Buffer, change: (copy: Buffer) => unknown): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

function range(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length);
  const longest = random.pick([1, 20, 200, bytes.length]);
  return [from, Math.min(bytes.length, from + 1 + random.below(longest))];
}
