import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { Transform } from 'node:stream';
import { constants, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { systemCalls } from '../../src/files/system-calls.ts';

/** What was planted, by kind, e.g. `{ password: ['…'] }`. Values are ASCII letters, digits and `-`. */
export type Markers = Readonly<Record<string, readonly string[]>>;

interface Needle {
  readonly kind: string;
  readonly encoding: string;
  readonly bytes: Buffer;
}

/** Most bytes given to and taken from one compressed stream that is found inside of something. */
const streamBytes = 4 * 1024 * 1024;
/** First bytes of streams: RFC 1952, RFC 8878, RFC 1950 (a window of 32 KiB, the four levels). */
const streams = [
  { encoding: 'gzip', magic: [0x1f, 0x8b, 0x08], open: inflateRaw, headerBytes: gzipHeaderBytes },
  { encoding: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], open: createZstdDecompress, headerBytes: () => 0 },
  ...[0x01, 0x5e, 0x9c, 0xda].map((level) => ({
    encoding: 'zlib',
    magic: [0x78, level],
    open: inflate,
    headerBytes: () => 0,
  })),
];

/** Looks for markers as they are, in base64 at every alignment, in hex, percent-encoded, and in compressed streams. */
export class MarkerSearch {
  readonly #needles: readonly Needle[];

  constructor(markers: Markers) {
    this.#needles = Object.entries(markers).flatMap(([kind, values]) =>
      values.flatMap((value) =>
        encodings(value).map(([encoding, text]) => ({ kind, encoding, bytes: Buffer.from(text) })),
      ),
    );
  }

  /** What `bytes` hold, each as `kind as encoding`; compressed streams that lie inside are opened. */
  async inBytes(bytes: Buffer): Promise<Set<string>> {
    const found = this.inPlain(bytes);
    for (const { encoding, magic, open, headerBytes } of streams) {
      const start = Buffer.from(magic);
      for (let at = bytes.indexOf(start); at >= 0; at = bytes.indexOf(start, at + 1)) {
        const stream = bytes.subarray(at, at + streamBytes);
        const opened = await decompressed(open(), stream.subarray(headerBytes(stream)));
        for (const one of this.inPlain(opened)) found.add(`${one} in ${encoding}`);
      }
    }
    return found;
  }

  /** The same without opening compressed streams. */
  inPlain(bytes: Buffer): Set<string> {
    const found = new Set<string>();
    for (const needle of this.#needles) {
      if (bytes.includes(needle.bytes)) found.add(`${needle.kind} as ${needle.encoding}`);
    }
    return found;
  }

  /** All below `folder`: names, link targets, extended attributes and contents. How many files were read, too. */
  async inFolder(folder: string): Promise<{ found: Map<string, Set<string>>; files: number }> {
    const found = new Map<string, Set<string>>();
    let files = 0;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(folder, name);
      const parts = [Buffer.from(name), ...attributesOf(file)];
      // A file of a running service may go away at any time: what is not there cannot leak.
      const stat = lstatSync(file, { throwIfNoEntry: false });
      try {
        if (stat?.isSymbolicLink()) parts.push(Buffer.from(readlinkSync(file)));
        if (stat?.isFile()) {
          parts.push(readFileSync(file));
          files++;
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      const here = new Set<string>();
      for (const part of parts) for (const one of await this.inBytes(part)) here.add(one);
      if (here.size > 0) found.set(name, here);
    }
    return { found, files };
  }
}

function encodings(value: string): [encoding: string, text: string][] {
  const hex = Buffer.from(value).toString('hex');
  const all: [string, string][] = [
    ['plain text', value],
    ['hex', hex],
    ['hex', hex.toUpperCase()],
    ['percent', hex.replaceAll(/../g, '%$&')],
    ['percent', hex.toUpperCase().replaceAll(/../g, '%$&')],
  ];
  for (const shift of [0, 1, 2]) {
    // Only the letters that the bytes around the marker have no part in.
    const letters = Buffer.from('\0'.repeat(shift) + value)
      .toString('base64')
      .replaceAll('=', '');
    const certain = letters.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + value.length) * 8) / 6));
    all.push([`base64+${shift}`, certain]);
    all.push([`base64+${shift}`, certain.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return all;
}

// Streams that are cut off give what they have.
const cutOff = { finishFlush: constants.Z_SYNC_FLUSH };

function inflate(): Transform {
  return createInflate(cutOff);
}

/** Raw, because what follows the end is ignored then: Node takes it for another member of a gzip file and fails. */
function inflateRaw(): Transform {
  return createInflateRaw(cutOff);
}

/** RFC 1952, section 2.3: ten bytes, then an extra field, a name, a comment, a checksum, each if its flag is set. */
function gzipHeaderBytes(bytes: Buffer): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if (flags & 4 && at + 2 <= bytes.length) at += 2 + bytes.readUInt16LE(at);
  for (const flag of [8, 16]) if (flags & flag) at = bytes.indexOf(0, at) + 1 || bytes.length;
  return flags & 2 ? at + 2 : at;
}

/** What comes out until the stream ends, breaks or is long enough. */
async function decompressed(stream: Transform, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const ended = new Promise((resolve) => stream.once('close', resolve));
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > streamBytes) stream.destroy();
  });
  stream.on('end', () => stream.destroy());
  stream.end(bytes);
  await ended;
  return Buffer.concat(chunks);
}

function attributesOf(file: string): Buffer[] {
  const calls = systemCalls();
  try {
    const at = Buffer.from(file);
    return (calls?.listAttributes(at) ?? []).flatMap((name) => [name, calls?.attribute(at, name) ?? name]);
  } catch {
    return [];
  }
}
