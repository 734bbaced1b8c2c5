/** Packet headers of the new format: RFC 4880 sections 4.2.2 and 5. */

/** Packet tags this program writes and reads. */
export const tags = {
  publicKeySessionKey: 1,
  symmetricKeySessionKey: 3,
  compressed: 8,
  literal: 11,
  integrityProtected: 18,
} as const;

/** Power of two of the partial bodies' length: 64 KiB. The first one has at least 512 bytes, as the RFC demands. */
const partialPower = 16;
const partialBytes = 2 ** partialPower;
const partialLength = Buffer.of(0xe0 | partialPower);

/**
 * A packet around a body of any length, in partial bodies where it is long. A body's buffers may be used again by their
 * maker once the next one is asked for.
 */
export async function* packet(tag: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.of(0xc0 | tag);
  let rest = Buffer.alloc(0);
  for await (const bytes of body) {
    const waiting = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    for (; waiting.length - at > partialBytes; at += partialBytes) {
      yield Buffer.concat([partialLength, waiting.subarray(at, at + partialBytes)]);
    }
    rest = Buffer.from(waiting.subarray(at));
  }
  yield Buffer.concat([lastLength(rest.length), rest]);
}

/** The length that ends a packet: one, two or five octets. */
function lastLength(length: number): Buffer {
  if (length < 192) return Buffer.of(length);
  if (length < 8_384) return Buffer.of(192 + ((length - 192) >> 8), (length - 192) & 0xff);
  const long = Buffer.alloc(5, 0xff);
  long.writeUInt32BE(length, 1);
  return long;
}
