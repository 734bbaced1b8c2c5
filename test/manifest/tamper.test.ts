import { hash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/domain/canonical.ts';
import { openManifest, openManifestHead } from '../../src/manifest/decode.ts';
import { joinLines, keySealer, type PartSealer, sealManifest } from '../../src/manifest/encode.ts';
import { manifestName } from '../../src/manifest/names.ts';
import type { ManifestHead, ManifestRow } from '../../src/manifest/records.ts';
import { footerBytes, footerOffset } from '../../src/sealed/layout.ts';
import type { ByteSource } from '../../src/sealed/open.ts';
import { layMembers, packBytes } from '../../src/sealed/pack.ts';
import { sealWhole } from '../../src/sealed/seal.ts';
import { mebibyte, planFor, refusalOf } from '../sealed/samples.ts';

const keys = new Map(
  ['holdfast', 'default', 'restricted'].map((scope, n) => [
    scope,
    { id: Buffer.alloc(16, n + 1), secret: Buffer.alloc(64, n + 1) },
  ]),
);
const keyFor = (scope: string) => keys.get(scope) ?? expect.fail(`no key for ${scope}`);
const keyById = (id: Buffer) => [...keys.values()].find((key) => key.id.equals(id));
const seal = keySealer({ sealingKey: keyFor });

const source = 'ab'.repeat(16);
const headOf = (changes: Partial<ManifestHead> = {}): ManifestHead => ({
  v: 1,
  source,
  name: 'documents',
  number: 7,
  kind: 'journal',
  last: true,
  previousSha256: null,
  createdAt: '2026-01-02T03:04:05.006Z',
  ...changes,
});
const head = headOf();
const objectName = manifestName(source, 7);

const row = (n: number): ManifestRow => ({
  entry: n.toString(16).padStart(32, '0'),
  path: Buffer.from(`folder/file ${n}`).toString('base64url'),
  version: n.toString(16).padStart(32, 'f'),
  observation: n,
  kind: 'dir',
  outcome: 'uploaded',
  size: 0,
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeNs: '-1',
  run: 'run',
  observedAt: '2026-01-02T03:04:05.006Z',
  settledAt: '2026-01-02T03:04:05.006Z',
});

/** Not compressed, so that what says as much as another is as long. */
const plainSeal: PartSealer = async ({ purpose, scope, objectName: name, content }) => {
  const key = keyFor(scope);
  const sums = { sha512: hash('sha512', content, 'hex'), sha256: hash('sha256', content, 'hex') };
  const plan = {
    key,
    iv: randomBytes(16),
    purpose,
    path: Buffer.from(name),
    metadata: { v: 1, purpose, size: content.length, ...sums, scope },
    plaintextLength: content.length,
    compression: { algorithm: 'none', level: 1 },
  } as const;
  return { bytes: sealWhole(plan, content), keyId: key.id.toString('hex') };
};

/** A manifest under real keys, taken apart. */
interface Parts {
  readonly name: string;
  readonly whole: Buffer;
  readonly sections: readonly Buffer[];
  /** The sealed index and its length. */
  readonly tail: Buffer;
}

async function partsOf(changes: Partial<ManifestHead> = {}, firstRow = 1): Promise<Parts> {
  const lengths: number[] = [];
  const noting: PartSealer = async (part) => {
    const made = await plainSeal(part);
    lengths.push(made.bytes.length);
    return made;
  };
  const made = headOf(changes);
  const sections = new Map([
    ['default', [row(firstRow)]],
    ['restricted', [row(firstRow + 1)]],
  ]);
  const whole = await sealManifest({ head: made, sections, seal: noting });
  const [one = 0, two = 0] = lengths;
  return {
    name: manifestName(made.source, made.number),
    whole,
    sections: [whole.subarray(0, one), whole.subarray(one, one + two)],
    tail: whole.subarray(one + two),
  };
}

const refusal = (bytes: Buffer, name = objectName) =>
  refusalOf(() => openManifest(bytes, { objectName: name, keyById }));

describe('a genuine manifest', () => {
  it.each([
    ['another number', manifestName(source, 8)],
    ['another source', manifestName('cd'.repeat(16), 7)],
    ['no name of a manifest', 'objects/x'],
  ])('is refused under %s, its head as well', async (_, name) => {
    const { whole } = await partsOf();
    expect(await refusal(whole)).toBeUndefined();
    expect(await refusal(whole, name)).toBe('tampered');
    const read = async () => openManifestHead(sourceOf(whole).source, { objectName: name, keyById });
    expect(await refusalOf(read)).toBe('tampered');
  });

  it.each([
    ['another number', { number: 8 }],
    ['another source', { source: 'cd'.repeat(16) }],
    ['the same name, forked', { createdAt: '2026-01-02T03:04:05.007Z' }],
  ])('is refused with a section or the index of one of %s', async (_, changes) => {
    const [ours, theirs] = [await partsOf(), await partsOf(changes, 3)];
    expect(await refusal(theirs.whole, theirs.name)).toBeUndefined();
    // Of one length, so that it is not the length that tells them apart.
    expect(theirs.sections.map(({ length }) => length)).toEqual(ours.sections.map(({ length }) => length));
    const mixed = [
      [theirs.sections[0], ours.sections[1], ours.tail],
      [ours.sections[0], theirs.sections[1], ours.tail],
      [...theirs.sections, ours.tail],
      [...ours.sections, theirs.tail],
    ];
    for (const parts of mixed) {
      const bytes = Buffer.concat(parts as Buffer[]);
      for (const name of [ours.name, theirs.name]) expect(await refusal(bytes, name)).toBe('tampered');
    }
  });

  it('is refused with sections in another order, missing, repeated, or a stranger between them', async () => {
    const { sections, tail } = await partsOf();
    const [one, two] = sections as [Buffer, Buffer];
    const content = sealWhole(planFor(one, { key: keyFor('default') }), one);
    for (const parts of [[two, one], [one], [two], [], [one, one], [one, two, two], [one, content, two]])
      expect(await refusal(Buffer.concat([...parts, tail]))).toBe('tampered');
  });

  it('is refused with its index as a section, or a section as its index', async () => {
    const { sections, tail } = await partsOf();
    const index = tail.subarray(0, -8);
    const [one, two] = sections as [Buffer, Buffer];
    expect(await refusal(packBytes([one, index], index))).toBe('tampered');
    expect(await refusal(packBytes([one, two], one))).toBe('tampered');
  });

  it('is refused with any field of the footer of a section or the index changed, cut anywhere, or extended', async () => {
    const { whole, sections, tail } = await partsOf();
    let end = 0;
    for (const part of [...sections, tail.subarray(0, -8)]) {
      end += part.length;
      for (const [name, at] of Object.entries(footerOffset)) {
        const bytes = Buffer.from(whole);
        const place = end - footerBytes + at;
        bytes.writeUInt8(bytes.readUInt8(place) ^ 0x80, place);
        expect(['tampered', 'unsupported_format', 'unknown_key'], name).toContain(await refusal(bytes));
      }
    }
    for (let length = 0; length < whole.length; length++) {
      expect(await refusal(whole.subarray(0, length))).toBe('tampered');
      expect(await refusal(whole.subarray(whole.length - length)), `last ${length}`).toBe('tampered');
    }
    for (const added of [
      [Buffer.of(0), whole],
      [whole, Buffer.of(0)],
      [whole, whole],
    ])
      expect(await refusal(Buffer.concat(added))).toBe('tampered');
  });
});

describe('lengths reserve nothing', () => {
  it('of an index: nothing is read that the object does not hold, and memory stays', async () => {
    const { whole } = await partsOf();
    const peakBefore = process.resourceUsage().maxRSS;
    for (const lie of [0n, 149n, BigInt(whole.length), 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      const bytes = Buffer.from(whole);
      bytes.writeBigUInt64BE(lie, bytes.length - 8);
      const { source: counted, asked } = sourceOf(bytes);
      expect(await refusalOf(() => openManifestHead(counted, { objectName, keyById }))).toBe('tampered');
      expect(asked).toEqual([8]);
    }
    // A store can say any length of its object, and give none of it.
    for (const lengthBytes of [2 ** 27 + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const { source: counted, asked } = sourceOf(whole, lengthBytes);
      expect(await refusalOf(() => openManifestHead(counted, { objectName, keyById }))).toBe('tampered');
      expect(asked).toEqual([]);
    }
    expect(process.resourceUsage().maxRSS - peakBefore).toBeLessThan(32 * 1024);
  });

  it('of what decompresses, under the right keys: an index and a section above their limits take no memory', async () => {
    const sealIndex = async (content: Buffer) =>
      (await seal({ purpose: 'pack index', scope: 'holdfast', objectName, content })).bytes;
    const packOf = async (contents: ReadonlyMap<string, Buffer>) => {
      const sections = await Promise.all(
        [...contents].map(async ([scope, content]) => {
          const { bytes, keyId } = await seal({ purpose: 'manifest', scope, objectName, content });
          return { bytes, facts: { scope, keyId, rows: 1 } };
        }),
      );
      const index = await sealIndex(canonical({ v: 1, head, members: layMembers(sections) }));
      return packBytes(
        sections.map(({ bytes }) => bytes),
        index,
      );
    };
    const blanks = Buffer.alloc(64 * mebibyte + 1, ' ');
    const longIndex = packBytes([], await sealIndex(blanks.subarray(0, 16 * mebibyte + 1)));
    const longSection = await packOf(new Map([['default', blanks]]));
    const peakBefore = process.resourceUsage().maxRSS;
    for (const bytes of [longIndex, longSection]) {
      expect(bytes.length).toBeLessThan(mebibyte);
      expect(await refusal(bytes)).toBe('tampered');
    }
    expect(process.resourceUsage().maxRSS - peakBefore).toBeLessThan(32 * 1024);

    // Each may be so long, both together not.
    const linkTarget = 'A'.repeat(33 * mebibyte);
    const long = joinLines([head, { ...row(1), kind: 'link', linkTarget }]);
    expect(await refusal(await packOf(new Map([['default', long]])))).toBeUndefined();
    const both = new Map([
      ['default', long],
      ['restricted', long],
    ]);
    expect(await refusal(await packOf(both))).toBe('tampered');
  });
});

function sourceOf(bytes: Buffer, lengthBytes = bytes.length): { source: ByteSource; asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    source: {
      lengthBytes,
      read: async (offset, length) => {
        asked.push(length);
        return bytes.subarray(offset, offset + length);
      },
    },
  };
}
