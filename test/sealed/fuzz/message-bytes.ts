import { createCipheriv, hash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { openMessage } from '../../../src/openpgp/open-message.ts';
import { mebibyte, noise, prose, refusalOf } from '../samples.ts';
import { alter } from './altered.ts';
import { broke } from './judge.ts';
import { Random } from './random.ts';

/** An OpenPGP message, and the content that a manifest's row says it has. */
interface Message {
  readonly bytes: Buffer;
  readonly content: Buffer;
}

const sessionKey = Buffer.alloc(32, 9);

/** A packet of RFC 4880 section 4.2.2, its length in any of the forms there are. */
function packet(tag: number, body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [Buffer.of(0xc0 | tag)];
  let rest = body;
  while (random.chance(0.4)) {
    const power = random.below(14);
    if (rest.length <= 2 ** power) break;
    parts.push(Buffer.of(0xe0 | power), rest.subarray(0, 2 ** power));
    rest = rest.subarray(2 ** power);
  }
  const { length } = rest;
  const long = longLength(length);
  const isTwo = length >= 192 && length < 8_384 && random.chance(0.5);
  const two = Buffer.of(192 + ((length - 192) >> 8), (length - 192) & 0xff);
  parts.push(length < 192 && random.chance(0.7) ? Buffer.of(length) : isTwo ? two : long, rest);
  return Buffer.concat(parts);
}

function wholePacket(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xc0 | tag), longLength(body.length), body]);
}

function longLength(length: number): Buffer {
  const octets = Buffer.alloc(5, 0xff);
  octets.writeUInt32BE(length, 1);
  return octets;
}

/** Section 8.1, item 1, with session keys that nobody can open: the reader is given the right one. */
function sessionKeyPackets(random: Random, hostile: boolean): Buffer {
  const recipient = (version: number, length: number) =>
    wholePacket(1, Buffer.concat([Buffer.of(version), random.bytes(length)]));
  const s2k = Buffer.concat([
    Buffer.from('04090308', 'hex'),
    random.bytes(8),
    Buffer.of(255),
    random.bytes(33),
  ]);
  const passphrase = wholePacket(3, s2k);
  const packets: Buffer[] = [recipient(3, 60), ...(random.chance(0.5) ? [passphrase] : [])];
  if (!hostile) return Buffer.concat(packets);
  const more = [
    recipient(6, 60),
    recipient(3, 3),
    recipient(3, 5_000),
    passphrase,
    Buffer.from('ca03504750', 'hex'),
  ];
  if (random.chance(0.05)) return Buffer.concat(Array.from({ length: 1_100 }, () => packets[0] as Buffer));
  return Buffer.concat([...packets, random.pick(more)]);
}

/** Section 8.1, item 2, around any plaintext; the detection code is right. */
function protectedPacket(plain: Buffer, random: Random): Buffer {
  const start = random.bytes(16);
  const hashed = Buffer.concat([start, start.subarray(14), plain, Buffer.of(0xd3, 0x14)]);
  const cipher = createCipheriv('aes-256-cfb', sessionKey, Buffer.alloc(16));
  const ciphertext = cipher.update(Buffer.concat([hashed, hash('sha1', hashed, 'buffer')]));
  return packet(18, Buffer.concat([Buffer.of(1), ciphertext]), random);
}

function literalOf(content: Buffer, random: Random, hostile = false): Buffer {
  const header = hostile
    ? random.pick(['t\0\0\0\0\0', 'b\x01x\0\0\0\0', 'b\0\0\0\0\x01', 'b'])
    : 'b\0\0\0\0\0';
  return packet(11, Buffer.concat([Buffer.from(header, 'latin1'), content]), random);
}

function compressedOf(plain: Buffer, random: Random, algorithm = 2): Buffer {
  return packet(8, Buffer.concat([Buffer.of(algorithm), deflateSync(plain, { level: 1 })]), random);
}

function honestMessage(content: Buffer, random: Random): Message {
  const literal = literalOf(content, random);
  const plain = random.chance(0.5) ? compressedOf(literal, random) : literal;
  return {
    content,
    bytes: Buffer.concat([sessionKeyPackets(random, false), protectedPacket(plain, random)]),
  };
}

const contents = [Buffer.alloc(0), Buffer.of(7), noise(200), prose(9_000), Buffer.alloc(100_000)];
const originals = contents.flatMap((content, n) =>
  [1, 2].map((k) => honestMessage(content, new Random(10 * n + k))),
);

/** More than any content says it has, in one packet. */
const bomb = compressedOf(literalOf(Buffer.alloc(16 * mebibyte), new Random(0)), new Random(0));

/** What somebody without the session key makes of messages. */
export function alteredMessage(random: Random): Message {
  const { bytes, content } = random.pick(originals);
  return { bytes: alter(bytes, random, () => random.pick(originals).bytes), content };
}

/** Messages that anybody can make who has the public key, hostile in one way or in none. */
export function forgedMessage(random: Random): Message & { readonly honest: boolean } {
  const content = random.pick(contents);
  const around = (plain: Buffer, hostilePackets = false): Message => ({
    content,
    bytes: Buffer.concat([sessionKeyPackets(random, hostilePackets), protectedPacket(plain, random)]),
  });
  const literal = literalOf(content, random);
  const hostilities: readonly (() => Message)[] = [
    () => around(literalOf(content, random, true)),
    () => around(compressedOf(literal, random, random.below(5))),
    () => around(compressedOf(compressedOf(literal, random), random)),
    () =>
      around(
        Buffer.concat([literal, random.pick([literal, Buffer.of(0), Buffer.from('ca03504750', 'hex')])]),
      ),
    () => around(alter(literal, random, () => compressedOf(literal, random))),
    () => around(alter(compressedOf(literal, random), random, () => literal)),
    () => around(compressedOf(Buffer.concat([literal, random.bytes(1 + random.below(9))]), random)),
    () => around(literalOf(prose(random.below(20_000)), random)),
    () => around(random.chance(0.05) ? bomb : compressedOf(literalOf(Buffer.alloc(300_000), random), random)),
    () => around(literal, true),
  ];
  return random.chance(0.1)
    ? { ...honestMessage(content, random), honest: true }
    : { ...random.pick(hostilities)(), honest: false };
}

/** Reads a message in pieces of any length; an Error where more is given out than its content has, or it opens to less. */
export async function readMessage(
  { bytes, content }: Message,
  random: Random,
): Promise<{ code: string | undefined; givenOut: Buffer }> {
  const pieceBytes = random.pick([7, 100, 65_536, bytes.length || 1]);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const parts: Buffer[] = [];
  const opened = openMessage(pieces(), async () => sessionKey, content.length);
  const code = await refusalOf(async () => {
    for await (const part of opened.content) parts.push(Buffer.from(part));
  });
  const givenOut = Buffer.concat(parts);
  if (givenOut.length > content.length) broke('gives out more than the content has');
  if (code === undefined && givenOut.length !== content.length) broke('opens to less than the content');
  if (code !== undefined && code !== 'tampered' && code !== 'unsupported_format')
    broke(`refuses with ${code}`);
  return { code, givenOut };
}
