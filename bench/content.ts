import { randomBytes, randomInt } from 'node:crypto';

const words = 'the quick brown fox jumps over the lazy dog and runs back home before it rains again'.split(
  ' ',
);
const blockBytes = 1024 * 1024;

/** Text of 1 to 16 KiB; no two are equal. */
export function smallText(): Buffer {
  return text(randomInt(1024, 16 * 1024 + 1));
}

/** Blocks of 1 MiB (a segment), in turn text and bytes that no compressor makes smaller. */
export function* halfCompressible(sizeBytes: number): Generator<Buffer> {
  const block = text(blockBytes);
  for (let at = 0, isText = true; at < sizeBytes; at += blockBytes, isText = !isText) {
    const next = isText ? block : randomBytes(blockBytes);
    randomBytes(16).copy(next);
    yield next.subarray(0, sizeBytes - at);
  }
}

function text(sizeBytes: number): Buffer {
  const lines = [randomBytes(16).toString('hex')];
  for (let length = 0; length < sizeBytes; length += lines.at(-1)?.length ?? 0)
    lines.push(Array.from(randomBytes(12), (pick) => words[pick % words.length]).join(' '));
  return Buffer.from(lines.join('\n').slice(0, sizeBytes), 'latin1');
}
