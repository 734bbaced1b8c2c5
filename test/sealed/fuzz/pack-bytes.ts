import { createHash } from 'node:crypto';
import { isFailure } from '../../../src/domain/failures.ts';
import type { SealingKey } from '../../../src/sealed/keys.ts';
import { openBytes } from '../../../src/sealed/open.ts';
import { layMembers, packBytes } from '../../../src/sealed/pack.ts';
import { checkMember, readContentPack } from '../../../src/sealed/read-content-pack.ts';
import { sealedIndex } from '../../support/packer.ts';
import { sourceOf } from '../samples.ts';
import { readVectors } from '../vectors.ts';
import { alter, writeNumber } from './altered.ts';
import { key, small } from './corpus.ts';
import { hostileMembers, jsonText, membersOf } from './hostile-json.ts';
import { broke } from './judge.ts';
import type { Random } from './random.ts';

/** A pack's bytes under the name of an object. */
export interface NamedPack {
  readonly objectName: string;
  readonly bytes: Buffer;
}

/** Contents of the members that open, hashed. */
export interface PackReading {
  readonly code: string | undefined;
  readonly contents: readonly string[];
}

const readable = readVectors('pack').filter(({ expect }) => expect === 'success');

const packs: readonly NamedPack[] = readable.map((vector) => ({
  objectName: vector.field('object'),
  bytes: vector.body,
}));

const digest = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Of everything that was ever sealed into one of them. */
export const genuine: ReadonlySet<string> = new Set([
  ...readable.flatMap((vector) =>
    (JSON.parse(vector.field('members')) as { content?: string }[])
      .filter(({ content }) => content !== undefined)
      .map(({ content = '' }) => digest(Buffer.from(content, 'hex'))),
  ),
  ...small.map(({ content }) => digest(content)),
]);

const secrets = new Map(
  readable.flatMap((vector) =>
    vector
      .field('keys')
      .split(',')
      .map((pair) => pair.split('=') as [string, string]),
  ),
);

function keyById(id: Buffer): SealingKey | undefined {
  if (id.equals(key.id)) return key;
  const secret = secrets.get(id.toString('hex'));
  return secret === undefined ? undefined : { id, secret: Buffer.from(secret, 'hex') };
}

/** What somebody without the keys makes of packs: altered bytes, or a genuine one under the name of another. */
export function alteredPack(random: Random): NamedPack {
  const { objectName, bytes } = random.pick(packs);
  const other = (): Buffer => random.pick(packs).bytes;
  switch (random.below(4)) {
    case 0:
      return { objectName, bytes: other() };
    case 1: {
      const copy = Buffer.from(bytes);
      writeNumber(copy, [copy.length - 8, 8], random);
      return { objectName, bytes: copy };
    }
    default:
      return { objectName, bytes: alter(bytes, random, other) };
  }
}

const objectName = `packs/${'ab'.repeat(32)}`;

/** A pack of somebody who has the keys: real members, and an index that says anything of them. */
export function forgedPack(random: Random): NamedPack & { readonly honest: boolean } {
  const honest = random.chance(0.1);
  const chosen = Array.from({ length: 1 + random.below(4) }, () => random.pick(small));
  const files = chosen.map(({ sealed }, at) => ({
    bytes: sealed,
    facts: {
      scope: 'default',
      keyId: key.id.toString('hex'),
      source: '11'.repeat(16),
      entry: '22'.repeat(16),
      version: `${at}${at}`.repeat(16),
    },
  }));
  const laid = layMembers(files);
  const lying = [[...laid].reverse(), laid.slice(1), [...laid, ...laid]];
  const members = (honest || random.chance(0.7) ? laid : random.pick(lying)).map((member) => {
    const text = membersOf(member);
    return jsonText(honest || random.chance(0.7) ? text : hostileMembers(text, random));
  });
  const index = [
    ['v', '1'],
    ['kind', '"content"'],
    ['members', `[${members.join(',')}]`],
  ] as const;
  const content = Buffer.from(jsonText(honest || random.chance(0.8) ? index : hostileMembers(index, random)));
  const sealed = sealedIndex(content, { key, scope: 'default', name: objectName });
  const bytes = packBytes(
    files.map((file) => file.bytes),
    sealed,
  );
  return { objectName, bytes, honest };
}

/**
 * Reads a pack as recovery does. An Error where the index opened and its members do not fill the bytes before it, or where
 * anything but a refusal comes of a member.
 */
export async function readPack({ objectName, bytes }: NamedPack): Promise<PackReading> {
  const contents: string[] = [];
  try {
    const { members, membersLength } = await readContentPack(sourceOf(bytes), { objectName, keyById });
    let at = 0;
    for (const member of members) {
      if (member.offset !== at || at + member.length > bytes.length) broke('accepts members anywhere');
      at += member.length;
      const content = contentOf(member, bytes);
      if (content !== undefined) contents.push(digest(content));
    }
    if (at !== membersLength) broke('miscounts what lies before the index');
    return { code: undefined, contents };
  } catch (error) {
    if (!isFailure(error) || !refusals.includes(error.code)) throw error;
    return { code: error.code, contents };
  }
}

const refusals = ['tampered', 'unsupported_format', 'unknown_key'];

function contentOf(member: Parameters<typeof checkMember>[0], bytes: Buffer): Buffer | undefined {
  try {
    const sealed = bytes.subarray(member.offset, member.offset + member.length);
    const opened = openBytes(sealed, { keys: keyById, purpose: 'content' });
    checkMember(member, opened);
    return opened.content();
  } catch (error) {
    if (isFailure(error) && refusals.includes(error.code)) return undefined;
    throw error;
  }
}
