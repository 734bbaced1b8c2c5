/** Making an OpenPGP message: docs/format.md section 8.1. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { constants, createDeflate } from 'node:zlib';
import { packet, tags } from './framing.ts';
import type { SessionKey } from './recipients.ts';

const zlibAlgorithm = 2;
/** How a modification detection code packet begins: tag 19, 20 bytes. Hashed as a part of what it protects. */
const detectionCodeHeader = Buffer.of(0xd3, 0x14);

/**
 * The message that holds `content`, randomised. Memory stays bounded whatever the length.
 *
 * @param zlibLevel 1 to 9; 0: not compressed
 * @param content its buffers may be used again once the next one is asked for
 */
export async function* sealMessage(
  sessionKey: SessionKey,
  zlibLevel: number,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const literal = packet(tags.literal, literalBody(content));
  const plain = zlibLevel === 0 ? literal : packet(tags.compressed, compressedBody(zlibLevel, literal));
  yield sessionKey.packets;
  yield* packet(tags.integrityProtected, protectedBody(sessionKey.key, plain));
}

/** Binary, no file name, no date: they are the manifest's to tell. */
async function* literalBody(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from('b\0\0\0\0\0', 'latin1');
  yield* content;
}

async function* compressedBody(level: number, plain: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.of(zlibAlgorithm);
  const deflate = createDeflate({ level, strategy: constants.Z_DEFAULT_STRATEGY });
  // Streams read ahead, so each gets a copy; an error of the source destroys the stream and comes out of the loop below.
  const copied = Readable.from(copies(plain), { objectMode: true });
  pipeline(copied, deflate, () => {});
  yield* deflate;
}

async function* copies(buffers: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const bytes of buffers) yield Buffer.from(bytes);
}

/** RFC 4880 section 5.13. */
async function* protectedBody(key: Buffer, plain: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-cfb', key, Buffer.alloc(16));
  const detectionCode = createHash('sha1');
  const random = randomBytes(16);
  const prefix = Buffer.concat([random, random.subarray(14)]);
  yield Buffer.of(1);
  detectionCode.update(prefix);
  yield cipher.update(prefix);
  for await (const bytes of plain) {
    detectionCode.update(bytes);
    yield cipher.update(bytes);
  }
  detectionCode.update(detectionCodeHeader);
  yield cipher.update(Buffer.concat([detectionCodeHeader, detectionCode.digest()]));
}
