import { hash } from 'node:crypto';
import { type ByteSource, openBytes, openSealed, type SealedFacts } from '../../../src/sealed/open.ts';
import { refusalOf } from '../samples.ts';
import { options } from './corpus.ts';

const allowed: readonly (string | undefined)[] = ['tampered', 'unsupported_format', 'unknown_key'];

/** How hostile bytes were read: refused with the code of a Failure, or opened. */
export interface Reading {
  readonly code: string | undefined;
  /** The segments given out, also before a refusal. */
  readonly givenOut: Buffer;
}

/** An Error that says what a reader did that it must not do. */
export function broke(what: string): never {
  throw new Error(`the reader ${what}`);
}

/**
 * Reads a sealed file both ways. Any error but a refusal is rethrown; an Error where the two ways disagree, where the
 * refusal is not one of the format's, or where what opened contradicts its own metadata.
 */
export async function readBothWays(bytes: Buffer): Promise<Reading> {
  const parts: Buffer[] = [];
  let streamedFacts: SealedFacts | undefined;
  const code = await refusalOf(async () => {
    const opened = await openSealed(strictSource(bytes), options);
    streamedFacts = opened;
    for await (const segment of opened.segments()) parts.push(segment);
  });
  const givenOut = Buffer.concat(parts);
  let content: Buffer | undefined;
  const inMemory = await refusalOf(() => {
    content = openBytes(bytes, options).content();
  });
  if (inMemory !== code) broke(`says ${code} from a source and ${inMemory} in memory`);
  if (code !== undefined && !allowed.includes(code)) broke(`refuses with ${code}`);
  if (code === undefined) {
    if (streamedFacts === undefined || content === undefined) broke('opened nothing');
    if (!content.equals(givenOut)) broke('gives one content from a source and another in memory');
    checkOpened(streamedFacts, content);
  }
  return { code, givenOut };
}

/** Of a source that gives fewer bytes than asked for, once. */
export async function readLyingSource(bytes: Buffer, at: number): Promise<string | undefined> {
  let reads = 0;
  const source: ByteSource = {
    lengthBytes: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length - (reads++ === at ? 1 : 0)),
  };
  return refusalOf(async () => {
    for await (const _ of (await openSealed(source, options)).segments());
  });
}

/** A source that is never asked for what the file cannot hold. */
function strictSource(bytes: Buffer): ByteSource {
  return {
    lengthBytes: bytes.length,
    read: async (offset, length) => {
      const inside = offset >= 0 && length >= 0 && offset + length <= bytes.length;
      if (!inside) broke(`asks for ${length} bytes at ${offset} of ${bytes.length}`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

function checkOpened(facts: SealedFacts, content: Buffer): void {
  const { path, metadata, plaintextLength } = facts;
  const isWhole = content.length === metadata.size && content.length === plaintextLength;
  if (!isWhole || hash('sha512', content, 'hex') !== metadata.sha512)
    broke('gives other content than recorded');
  checkMetadata(path, metadata);
}

/** An Error where a restore could be led out of its target or be given a value outside its range. */
export function checkMetadata(path: Buffer, metadata: object): void {
  const parts = path.toString('latin1').split('/');
  const special = ['', '.', '..'];
  if (path.includes(0) || parts.some((part) => special.includes(part)))
    broke('accepts a path that leads away');
  const facts = metadata as Readonly<Record<string, unknown>>;
  if (facts.v !== 1 || facts.kind !== 'file') broke('accepts another version or kind');
  const limits = {
    observation: 2 ** 53 - 1,
    size: 2 ** 46,
    mode: 0o7777,
    uid: 2 ** 32 - 1,
    gid: 2 ** 32 - 1,
  };
  for (const [name, most] of Object.entries(limits)) {
    const value = facts[name];
    if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > most)
      broke(`accepts another ${name}`);
  }
  const lengths = { source: 32, entry: 32, version: 32, sha512: 128, sha256: 64 };
  for (const [name, length] of Object.entries(lengths)) {
    const value = facts[name];
    if (typeof value !== 'string' || value.length !== length || /[^0-9a-f]/.test(value))
      broke(`accepts another ${name}`);
  }
  for (const [name, value] of Object.entries(facts.xattrs ?? {})) {
    if (!name.isWellFormed() || typeof value !== 'string') broke('accepts other attributes');
  }
}
