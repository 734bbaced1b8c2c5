import { describe, expect, it } from 'vitest';
import { isFailure } from '../../src/domain/failures.ts';
import { packName } from '../../src/sealed/names.ts';
import { openBytes } from '../../src/sealed/open.ts';
import { type ContentMember, checkMember, readContentPack } from '../../src/sealed/read-content-pack.ts';
import { type SealPlan, sealWhole } from '../../src/sealed/seal.ts';
import { packOf, sealedIndex } from '../support/packer.ts';
import { key, planFor, prose, refusalOf, sourceOf } from './samples.ts';
import { readVectors, refusals, type Vector } from './vectors.ts';

const vectors = readVectors('pack');
const opening = vectors.filter(({ expect }) => expect === 'success');
const refused = vectors.filter(({ expect }) => expect !== 'success');

function keysOf(vector: Vector) {
  const keys = new Map(
    vector
      .field('keys')
      .split(',')
      .map((pair) => pair.split('=') as [string, string]),
  );
  return (id: Buffer) => {
    const secret = keys.get(id.toString('hex'));
    return secret === undefined ? undefined : { id, secret: Buffer.from(secret, 'hex') };
  };
}

const open = (vector: Vector) =>
  readContentPack(sourceOf(vector.body), { objectName: vector.field('object'), keyById: keysOf(vector) });

/** What a member is, or the name of its refusal. */
function outcomeOf(vector: Vector, member: ContentMember): object {
  const { offset, length } = member;
  try {
    const opened = openBytes(vector.body.subarray(offset, offset + length), {
      keys: keysOf(vector),
      purpose: 'content',
    });
    checkMember(member, opened);
    return { content: opened.content().toString('hex'), path: opened.path.toString('hex') };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { refused: Object.keys(refusals).find((name) => refusals[name] === error.code) };
  }
}

it('there are vectors of both kinds', () => {
  expect(opening.length).toBeGreaterThan(12);
  expect(refused.length).toBeGreaterThan(40);
});

describe('packs that open', () => {
  it.each(opening)('$name', async (vector) => {
    const { members } = await open(vector);
    const found = members.map((member) => ({ ...member, ...outcomeOf(vector, member) }));
    expect(found).toEqual(JSON.parse(vector.field('members')));
  });
});

describe('packs that are refused', () => {
  it.each(refused)('$name', async (vector) => {
    const expected = refusals[vector.expect];
    expect(expected).toBeDefined();
    expect(await refusalOf(() => open(vector))).toBe(expected);
  });
});

it('a pack is named after the IVs of its members, in order', () => {
  const [vector] = readVectors('pack').filter(({ name }) => name === 'pack');
  if (vector === undefined) throw new Error('no vector');
  const members = JSON.parse(vector.field('members')) as ContentMember[];
  const ivs = members.map(({ offset }) => vector.body.subarray(offset, offset + 16));
  const root = { naming: vector.bytes('named-after') };
  expect(packName(root, members[0]?.scope ?? '', ivs)).toBe(vector.field('object'));
});

describe('altered bytes', () => {
  const files = ['a', 'b', 'c'].map((label, at) => {
    const content = prose(300, label);
    const ids = { source: 'aa'.repeat(16), entry: `b${at}`.repeat(16), version: `c${at}`.repeat(16) };
    const plan = planFor(content, { iv: Buffer.alloc(16, at), path: Buffer.from(label) });
    return {
      ids,
      sealed: sealWhole({ ...plan, metadata: { ...plan.metadata, ...ids } } as SealPlan, content),
    };
  });
  const pack = packOf(
    files.map(({ ids, sealed }) => ({ ...ids, sealed })),
    key,
    'default',
  );

  /** What opens of these bytes: the members' places, or the code of the refusal of the index. */
  async function opens(bytes: Buffer): Promise<number[] | string | undefined> {
    const places: number[] = [];
    const options = { objectName: pack.name, keyById: () => key };
    const code = await refusalOf(async () => {
      const { members } = await readContentPack(sourceOf(bytes), options);
      for (const [at, member] of members.entries()) {
        const { offset, length } = member;
        const code = await refusalOf(() => {
          const opened = openBytes(bytes.subarray(offset, offset + length), {
            keys: () => key,
            purpose: 'content',
          });
          checkMember(member, opened);
          opened.content();
        });
        if (code === undefined) places.push(at);
      }
    });
    return code ?? places;
  }

  it('every byte: one in a member spoils that member only, one behind them the index', async () => {
    const membersEnd = pack.members.reduce((sum, { length }) => sum + length, 0);
    expect(await opens(pack.bytes)).toEqual([0, 1, 2]);
    for (let at = 0; at < pack.bytes.length; at++) {
      const bytes = Buffer.from(pack.bytes);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      const found = await opens(bytes);
      const hit = pack.members.findIndex(({ offset, length }) => offset <= at && at < offset + length);
      if (at < membersEnd) expect(found, `byte ${at}`).toEqual([0, 1, 2].filter((place) => place !== hit));
      else expect(['tampered', 'unsupported_format'], `byte ${at}`).toContain(found);
    }
  });

  it('cut anywhere, or extended, at either end', async () => {
    for (let length = 0; length < pack.bytes.length; length += 7) {
      expect(await opens(pack.bytes.subarray(0, length)), `first ${length}`).toBe('tampered');
      expect(await opens(pack.bytes.subarray(pack.bytes.length - length)), `last ${length}`).toBe('tampered');
    }
    expect(await opens(Buffer.concat([pack.bytes, Buffer.alloc(1)]))).toBe('tampered');
    expect(await opens(Buffer.concat([Buffer.alloc(1), pack.bytes]))).toBe('tampered');
  });

  it('more members than a pack may have are refused', async () => {
    const member = {
      offset: 0,
      length: 150,
      scope: 'default',
      keyId: 'aa'.repeat(16),
      source: 'aa'.repeat(16),
    };
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => {
        const id = at.toString(16).padStart(32, '0');
        return { ...member, offset: 150 * at, entry: id, version: id };
      });
    const indexed = (count: number): Buffer => {
      const content = Buffer.from(JSON.stringify({ v: 1, kind: 'content', members: many(count) }));
      const index = sealedIndex(content, { key, scope: 'default', name: pack.name });
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(index.length));
      return Buffer.concat([Buffer.alloc(150 * count), index, length]);
    };
    expect(await opens(indexed(4_096))).toEqual([]);
    expect(await opens(indexed(4_097))).toBe('unsupported_format');
  });
});
