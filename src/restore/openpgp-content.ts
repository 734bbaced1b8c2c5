import { createHash } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import { openMessage } from '../openpgp/open-message.ts';
import type { Beginning, ReadDeps } from './content.ts';
import type { RestorableFile } from './restore-index.ts';
import { throwIfInterrupted } from './retry.ts';

const mebibyte = 1024 * 1024;
/** Messages up to this length are read with one request and kept. Bytes. */
const wholeReadBytes = 8 * mebibyte;
/** Longer ones are read twice, in pieces: once to hold them against their SHA-256, once to decrypt them. Bytes. */
const pieceBytes = 4 * mebibyte;

/** Reads part of the sealed bytes. */
export type ReadPart = (offset: number, length: number) => Promise<Buffer>;

/**
 * The content of a version that is an OpenPGP message (docs/format.md section 8.3), as it comes. Length and SHA-256 of the
 * sealed bytes are the recorded ones before anything is decrypted; that the content is the recorded one is known at the end.
 * A message has no segments: with `beginning` all of it is decrypted, and only what comes after it is yielded.
 *
 * Failures: `openpgp_key_missing`, `openpgp_key_wrong`, `tampered`, `unsupported_format`, those of `read`, and `interrupted`.
 */
export async function* messageContent(
  deps: Pick<ReadDeps, 'messageKeys' | 'memory' | 'signal'>,
  version: RestorableFile,
  read: ReadPart,
  beginning?: Beginning,
): AsyncGenerator<Buffer, void> {
  const { messageKeys, memory, signal } = deps;
  const { length } = version.place;
  if (messageKeys === undefined) throw new Failure('openpgp_key_missing');
  const giveBack = await memory.take(Math.min(length, 2 * pieceBytes));
  try {
    const sealed = await checkedBytes(version, read, signal);
    const opened = openMessage(sealed, messageKeys, version.sizeBytes);
    const digest = beginning?.digest ?? createHash('sha512');
    let left = beginning?.bytes ?? 0;
    for await (const plain of opened.content) {
      throwIfInterrupted(signal);
      const wanted = plain.subarray(Math.min(left, plain.length));
      left -= plain.length - wanted.length;
      digest.update(wanted);
      if (wanted.length > 0) yield wanted;
    }
    if (!digest.digest().equals(version.sha512)) {
      throw damaged('its content does not have the recorded SHA-512');
    }
  } finally {
    giveBack();
  }
}

/** The sealed bytes, which have the recorded SHA-256: known for the whole of them before the first is given. */
async function checkedBytes(
  version: RestorableFile,
  read: ReadPart,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  if (version.place.length > wholeReadBytes) {
    for await (const _ of hashed(version, read, signal));
    return hashed(version, read, signal);
  }
  const all: Buffer[] = [];
  for await (const bytes of hashed(version, read, signal)) all.push(bytes);
  return (async function* () {
    yield* all;
  })();
}

/** The sealed bytes; in the end they must have the recorded SHA-256, each time they are read. */
async function* hashed(
  { place }: RestorableFile,
  read: ReadPart,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const { length, sealedSha256 } = place;
  if (sealedSha256 === undefined || length === 0) throw damaged('no SHA-256 is recorded for it, or no byte');
  const step = length > wholeReadBytes ? pieceBytes : length;
  const digest = createHash('sha256');
  let next = read(0, Math.min(step, length));
  for (let offset = 0; offset < length; ) {
    const bytes = await next;
    offset += bytes.length;
    if (offset < length) {
      next = read(offset, Math.min(step, length - offset));
      // Its turn comes later; until then its failure must not count as unhandled.
      next.catch(() => {});
    }
    throwIfInterrupted(signal);
    digest.update(bytes);
    yield bytes;
  }
  if (!digest.digest().equals(sealedSha256)) throw damaged('it does not have the recorded SHA-256');
}

function damaged(detail: string): Failure {
  return new Failure('tampered', { detail });
}
