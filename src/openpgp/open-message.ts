/** Opening an OpenPGP message: docs/format.md section 8.3. Shares no code with what seals it. */
import { createDecipheriv, createHash, type Decipheriv } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import { Failure } from '../domain/failures.ts';
import { OuterPackets } from './outer-packets.ts';
import { PacketParser } from './packet-parser.ts';

/**
 * Finds the session key of a message, 32 bytes.
 *
 * @param packets the message's session key packets
 * @param recipients their names, as in `Recipients.names`
 */
export type SessionKeyFinder = (packets: Buffer, recipients: readonly string[]) => Promise<Buffer>;

export interface OpenedMessage {
  /** Whom the message is for, as in `Recipients.names`; known with the first content. */
  recipients(): readonly string[];
  /**
   * The content as it comes. It is only known to be whole and unaltered when this ends: before, nothing may be done with
   * it that cannot be undone.
   *
   * Failures: `unsupported_format`, `tampered`, the finder's; those of the message's source pass through.
   */
  readonly content: AsyncGenerator<Buffer>;
}

/** @param sizeBytes of the content: not one byte more is given out */
export function openMessage(
  sealed: AsyncIterable<Buffer>,
  findSessionKey: SessionKeyFinder,
  sizeBytes: number,
): OpenedMessage {
  const packets = new OuterPackets();
  const plain = decrypted(sealed, packets, findSessionKey);
  return { recipients: () => packets.recipients(), content: bounded(literalOf(plain), sizeBytes) };
}

async function* bounded(content: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Buffer> {
  let left = sizeBytes;
  for await (const bytes of content) {
    left -= bytes.length;
    if (left < 0) throw damaged('it holds more than it should');
    yield bytes;
  }
  if (left > 0) throw damaged('it holds less than it should');
}

async function* decrypted(
  sealed: AsyncIterable<Buffer>,
  packets: OuterPackets,
  findSessionKey: SessionKeyFinder,
): AsyncGenerator<Buffer> {
  let data: ProtectedData | undefined;
  for await (const bytes of sealed) {
    for (const piece of packets.add(bytes)) {
      data ??= new ProtectedData(await findSessionKey(packets.sessionKeys(), packets.recipients()));
      const plain = data.add(piece);
      if (plain.length > 0) yield plain;
    }
  }
  packets.finish();
  if (data === undefined) throw damaged('it ends early');
  data.finish();
}

/** 16 random bytes, and the last two of them again: RFC 4880 section 5.13. */
const prefixBytes = 18;
/** A packet header of two bytes and a SHA-1. */
const detectionCodeBytes = 22;

/** Decrypts the body of an integrity protected data packet, and in the end holds it against its detection code. */
class ProtectedData {
  private readonly decipher: Decipheriv;
  private readonly hash = createHash('sha1');
  private prefix = Buffer.alloc(0);
  /** The last bytes so far: they may be the detection code. */
  private held = Buffer.alloc(0);

  constructor(key: Buffer) {
    this.decipher = createDecipheriv('aes-256-cfb', key, Buffer.alloc(16));
  }

  /** Gives a buffer of its own. */
  add(ciphertext: Buffer): Buffer {
    let plain = Buffer.concat([this.held, this.withoutPrefix(this.decipher.update(ciphertext))]);
    const held = Math.min(plain.length, detectionCodeBytes);
    this.held = plain.subarray(plain.length - held);
    plain = plain.subarray(0, plain.length - held);
    this.hash.update(plain);
    return plain;
  }

  finish(): void {
    const header = this.held.subarray(0, 2);
    const digest = this.hash.update(header).digest();
    if (header.toString('hex') !== 'd314' || !digest.equals(this.held.subarray(2))) {
      throw damaged('its modification detection code is wrong');
    }
  }

  private withoutPrefix(plain: Buffer): Buffer {
    const missing = prefixBytes - this.prefix.length;
    if (missing === 0) return plain;
    this.prefix = Buffer.concat([this.prefix, plain.subarray(0, missing)]);
    if (this.prefix.length === prefixBytes) {
      if (!this.prefix.subarray(14, 16).equals(this.prefix.subarray(16)))
        throw damaged('it does not decrypt');
      this.hash.update(this.prefix);
    }
    return plain.subarray(missing);
  }
}

const compressedTag = 8;
const literalTag = 11;
const zlibAlgorithm = 2;

/** The content of the one literal data packet, compressed or not, that the plaintext must be. */
async function* literalOf(plain: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const outer = new SinglePacket(plain);
  try {
    const isCompressed = (await outer.begin()) === compressedTag;
    const literal = isCompressed ? new SinglePacket(inflated(outer)) : outer;
    if ((await literal.begin()) !== literalTag) throw damaged('there is something else than content in it');
    yield* contentOf(literal);
  } finally {
    await outer.close();
  }
}

/** Binary, without a file name or a date. */
async function* contentOf(literal: SinglePacket): AsyncGenerator<Buffer> {
  const head = await literal.take(6);
  if (head.toString('latin1') !== 'b\0\0\0\0\0')
    throw damaged('its content has a name, a date or another form');
  yield* literal.rest();
}

async function* inflated(compressed: SinglePacket): AsyncGenerator<Buffer> {
  const [algorithm] = await compressed.take(1);
  if (algorithm !== zlibAlgorithm) throw damaged('it is compressed in another way');
  const inflate = createInflate();
  let compressedBytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const bytes of compressed.rest()) {
      compressedBytes += bytes.length;
      yield bytes;
    }
  }
  // The error of either comes out of the loop below.
  pipeline(Readable.from(counted(), { objectMode: true }), inflate, () => {});
  try {
    yield* inflate;
  } catch (error) {
    const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isZlib ? damaged('it does not decompress') : error;
  }
  if (inflate.bytesWritten !== compressedBytes) throw damaged('something follows its compressed content');
}

/** A stream that must be exactly one packet. */
class SinglePacket {
  private readonly bytes: AsyncGenerator<Buffer>;
  private readonly parser = new PacketParser(
    {
      begin: (tag) => {
        if (this.tag !== undefined) throw damaged('there is more than one packet in it');
        this.tag = tag;
      },
      body: (bytes) => this.pieces.push(bytes),
      end: () => {},
    },
    damaged,
  );
  private tag: number | undefined;
  /** Of the body, in the order they came. */
  private pieces: Buffer[] = [];

  constructor(bytes: AsyncGenerator<Buffer>) {
    this.bytes = bytes;
  }

  /** The packet's tag. */
  async begin(): Promise<number> {
    while (this.tag === undefined) if (!(await this.more())) throw damaged('it ends early');
    return this.tag;
  }

  /** The next bytes of the body, exactly so many. */
  async take(count: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const piece = this.pieces.shift();
      if (piece === undefined) {
        if (!(await this.more())) throw damaged('it ends early');
        continue;
      }
      taken.push(piece.subarray(0, missing));
      if (piece.length > missing) this.pieces.unshift(piece.subarray(missing));
      missing -= Math.min(missing, piece.length);
    }
    return Buffer.concat(taken);
  }

  /** The body from here to its end. */
  async *rest(): AsyncGenerator<Buffer> {
    do {
      yield* this.pieces.splice(0);
    } while (await this.more());
  }

  /** Ends what the bytes come from. */
  async close(): Promise<void> {
    await this.bytes.return(undefined);
  }

  private async more(): Promise<boolean> {
    const next = await this.bytes.next();
    if (next.done) {
      this.parser.finish();
      return false;
    }
    this.parser.add(next.value);
    return true;
  }
}

function damaged(detail: string): Failure {
  return new Failure('tampered', { detail });
}
