import { describe, expect, it } from 'vitest';
import type { SealingKey } from '../../src/sealed/keys.ts';
import {
  footerBytes,
  footerOffset,
  headBytes,
  ivBytes,
  rawFlag,
  tableEntryBytes,
} from '../../src/sealed/layout.ts';
import { openSealed } from '../../src/sealed/open.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { key, mebibyte, noise, options, planFor, prose, refusalOf, sourceOf } from './samples.ts';

/** The refusal of `bytes`, and how many plaintext segments came out before it. */
async function reading(
  bytes: Buffer,
  from = options,
): Promise<{ code: string | undefined; givenOut: number }> {
  let givenOut = 0;
  const code = await refusalOf(async () => {
    for await (const _ of (await openSealed(sourceOf(bytes), from)).segments()) givenOut += 1;
  });
  return { code, givenOut };
}

/** Every part of a sealed file of one segment, by the names of docs/format.md section 4: where it begins and ends. */
function partsOf(sealed: Buffer): Map<string, readonly [from: number, to: number]> {
  const footerAt = sealed.length - footerBytes;
  const tableAt = footerAt - tableEntryBytes;
  const segmentAt = headBytes + sealed.readUInt32BE(ivBytes);
  const fields = Object.entries(footerOffset);
  return new Map<string, readonly [number, number]>([
    ['IV', [0, ivBytes]],
    ['metadata length', [ivBytes, headBytes]],
    ['metadata', [headBytes, segmentAt]],
    ['segment', [segmentAt, tableAt]],
    ['stored length', [tableAt, tableAt + 4]],
    ['tag', [tableAt + 4, footerAt]],
    ['table', [tableAt, footerAt]],
    ['footer', [footerAt, sealed.length]],
    ...fields.map(
      ([name, at], place) =>
        [`footer: ${name}`, [footerAt + at, footerAt + (fields[place + 1]?.[1] ?? footerBytes)]] as const,
    ),
  ]);
}

const first = prose(900, 'first');
const second = prose(1_200, 'second');
const zstd = { algorithm: 'zstd', level: 3 } as const;
const sealed = sealWhole(planFor(first, { iv: Buffer.alloc(ivBytes, 1) }), first);
/** Of other length and compression, so that no field but those every file shares is the same. */
const other = sealWhole(
  planFor(second, { iv: Buffer.alloc(ivBytes, 2), path: Buffer.from('another/path'), compression: zstd }),
  second,
);
const sharedByAll = [
  'magic',
  'version',
  'segmentSize',
  'segmentCount',
  'reservedWord',
  'keyId',
  'tableLength',
  'reservedTail',
];

describe.each([...partsOf(sealed)])('%s', (name, [from, to]) => {
  const refused = { code: 'tampered', givenOut: 0 };
  const around = (middle: Buffer): Buffer =>
    Buffer.concat([sealed.subarray(0, from), middle, sealed.subarray(to)]);
  const part = sealed.subarray(from, to);

  it('flipped, zeroed or filled', async () => {
    for (const [at, bit] of [
      [0, 0x80],
      [part.length - 1, 1],
    ] as const) {
      const copy = Buffer.from(part);
      copy.writeUInt8(copy.readUInt8(at) ^ bit, at);
      const { code, givenOut } = await reading(around(copy));
      expect([codesOfFlips[name] ?? 'tampered'].flat()).toContain(code);
      expect(givenOut).toBe(0);
    }
    for (const fill of [0, 0xff]) {
      const filled = around(Buffer.alloc(part.length, fill));
      if (filled.equals(sealed)) continue;
      const { code, givenOut } = await reading(filled);
      expect(['tampered', 'unsupported_format', 'unknown_key']).toContain(code);
      expect(givenOut).toBe(0);
    }
  });

  it('cut, extended, repeated or taken away', async () => {
    const changed = [
      ...[part.subarray(1), part.subarray(0, -1), Buffer.alloc(0)],
      ...[
        Buffer.concat([part, Buffer.of(0)]),
        Buffer.concat([Buffer.of(0), part]),
        Buffer.concat([part, part]),
      ],
    ];
    for (const middle of changed) expect(await reading(around(middle))).toEqual(refused);
  });

  it('in the place of that of another file under the same key', async () => {
    const range = partsOf(other).get(name);
    const foreign = around(other.subarray(...(range ?? expect.fail())));
    if (sharedByAll.includes(name.replace('footer: ', ''))) expect(foreign).toEqual(sealed);
    else expect(await reading(foreign)).toEqual(refused);
  });
});

/** Where a flipped bit gives another refusal than `tampered`, or one of two. */
const codesOfFlips: Readonly<Record<string, string | readonly string[]>> = {
  'footer: version': 'unsupported_format',
  'footer: compression': ['unsupported_format', 'tampered'],
  'footer: reservedWord': 'unsupported_format',
  'footer: reservedTail': 'unsupported_format',
  'footer: keyId': 'unknown_key',
};

describe('keys and purposes', () => {
  it('the id of another key that is known opens nothing', async () => {
    const secondKey: SealingKey = { id: Buffer.alloc(16, 0x33), secret: Buffer.alloc(64, 0x44) };
    const both = { ...options, keys: (id: Buffer) => [key, secondKey].find((one) => one.id.equals(id)) };
    const bytes = Buffer.from(sealed);
    secondKey.id.copy(bytes, sealed.length - footerBytes + footerOffset.keyId);
    expect(await reading(bytes, both)).toEqual({ code: 'tampered', givenOut: 0 });
    expect(await reading(sealed, both)).toEqual({ code: undefined, givenOut: 1 });
  });

  it.each(['manifest', 'pack index'] as const)('content is no %s', async (purpose) => {
    expect(await refusalOf(() => openSealed(sourceOf(sealed), { ...options, purpose }))).toBe('tampered');
  });
});

describe('files of several segments under one key', () => {
  const size = 2 * mebibyte + 70_000;
  const long = (label: string, fill: number) => {
    const content = noise(size, label);
    return sealWhole(planFor(content, { iv: Buffer.alloc(ivBytes, fill) }), content);
  };
  const [one, two] = [long('one', 3), long('two', 4)];
  const tableAt = one.length - footerBytes - 3 * tableEntryBytes;
  const segmentAt = (index: number) => tableAt - size + index * mebibyte;
  const entryAt = (index: number) => tableAt + index * tableEntryBytes;

  /** `one`, with the bytes of segment `to`, its table entry, or both, from segment `from` of a file. */
  function exchanged(what: 'segment' | 'entry' | 'both', file: Buffer, from: number, to: number): Buffer {
    const bytes = Buffer.from(one);
    if (what !== 'entry') file.copy(bytes, segmentAt(to), segmentAt(from), segmentAt(from) + mebibyte);
    if (what !== 'segment') file.copy(bytes, entryAt(to), entryAt(from), entryAt(from) + tableEntryBytes);
    return bytes;
  }

  it('a segment of another place: only what lies before it, which is genuine, comes out', async () => {
    for (const [file, from, to] of [
      [one, 1, 0],
      [one, 0, 1],
      [two, 0, 0],
      [two, 1, 1],
    ] as const) {
      expect(await reading(exchanged('segment', file, from, to))).toEqual({ code: 'tampered', givenOut: to });
      for (const what of ['entry', 'both'] as const)
        expect(await reading(exchanged(what, file, from, to))).toEqual({ code: 'tampered', givenOut: 0 });
    }
  });

  it('table entries in any other order, with a length that lies, or marked as stored otherwise', async () => {
    const entries = [0, 1, 2].map((index) => one.subarray(entryAt(index), entryAt(index + 1)));
    for (const order of [
      [1, 0, 2],
      [0, 2, 1],
      [2, 1, 0],
      [1, 2, 0],
      [2, 0, 1],
      [0, 0, 2],
      [1, 1, 2],
    ]) {
      const bytes = Buffer.from(one);
      Buffer.concat(order.map((index) => entries[index] ?? expect.fail())).copy(bytes, tableAt);
      expect(await reading(bytes), `${order}`).toEqual({ code: 'tampered', givenOut: 0 });
    }
    for (const lie of [
      0,
      1,
      mebibyte,
      mebibyte + 1,
      rawFlag,
      rawFlag + mebibyte - 1,
      rawFlag + mebibyte + 1,
    ]) {
      const bytes = Buffer.from(one);
      bytes.writeUInt32BE(lie, entryAt(1));
      expect(await reading(bytes), `${lie}`).toEqual({ code: 'tampered', givenOut: 0 });
    }
  });
});
