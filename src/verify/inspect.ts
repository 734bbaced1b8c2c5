import { type Failure, isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { openManifestHead } from '../manifest/decode.ts';
import type { ManifestHead } from '../manifest/records.ts';
import { OuterPackets } from '../openpgp/outer-packets.ts';
import { parseDocument } from '../sealed/keyring-document.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { footerBytes, headBytes, magic } from '../sealed/layout.ts';
import type { SealedMetadata } from '../sealed/metadata.ts';
import { type ByteSource, openSealed } from '../sealed/open.ts';
import { type PackMember, readPackIndex, sliceOf } from '../sealed/pack.ts';
import { type ContentMember, checkMember, readContentPack } from '../sealed/read-content-pack.ts';
import { type Frame, leastSealedBytes, readFrame } from '../sealed/read-frame.ts';

/** Numbers that the head and footer of a sealed file state; evidence only where it says `authenticated`. Lengths in bytes. */
interface StatedFrame {
  readonly formatVersion: number;
  /** Hex. */
  readonly iv: string;
  readonly keyId: Id;
  readonly compression: Frame['compression'];
  readonly plaintextLength: number;
  /** Of the stored segments. */
  readonly ciphertextLength: number;
  readonly metadataLength: number;
  readonly segmentSize: number;
  readonly segmentCount: number;
}

interface Judged {
  readonly lengthBytes: number;
  /** Whether a key has vouched for what is told. */
  readonly authenticated: boolean;
  /** Why not, where keys were given. */
  readonly problem?: Failure;
}

/** What something is, told from its beginning and its end. */
export type Inspected =
  | (Judged & {
      readonly kind: 'sealed file';
      readonly frame: StatedFrame;
      /** Once authenticated. */
      readonly path?: Buffer;
      readonly metadata?: SealedMetadata;
      /** Of a member of a pack. */
      readonly member?: PackPosition;
    })
  | (Judged & {
      readonly kind: 'pack' | 'manifest';
      /** Of the index, which is a sealed file too. */
      readonly frame: StatedFrame;
      readonly indexLength: number;
      /** Once authenticated: its name without prefix, and what lies in it. */
      readonly objectName?: string;
      readonly members?: readonly (PackMember & Partial<ContentMember>)[];
      readonly head?: ManifestHead;
    })
  | (Judged & { readonly kind: 'keyring document'; readonly document: KeyringFacts })
  | (Judged & {
      readonly kind: 'openpgp message';
      /** Ids of the recipients' keys, hex; `passphrase` where a passphrase opens it. */
      readonly recipients: readonly string[];
    })
  | (Judged & { readonly kind: 'unknown' });

/** Where a sealed file lies in a pack. */
export interface PackPosition {
  /** From 1, and of how many. */
  readonly number: number;
  readonly count: number;
  readonly offset: number;
}

export interface KeyringFacts {
  readonly repository: Id;
  readonly keyId: Id;
  readonly purpose: string;
  readonly generation: number;
  readonly holder?: string | undefined;
  readonly kdf: string;
  readonly iterations: number;
}

/** The sealing key with that id (16 bytes), or undefined. */
export type KeyById = (id: Buffer) => SealingKey | undefined;

export interface InspectOptions {
  /** Undefined where there is no password. */
  readonly keys?: KeyById;
  /** The object's name without prefix, where it has one: a manifest or pack must say the same. */
  readonly name?: string;
}

const indexLengthBytes = 8;
const longestDocumentBytes = 65_536;
/** OpenPGP messages say at their beginning whom they are for. */
const packetStepBytes = 8_192;
const mostPacketBytes = 4 * 1024 * 1024;

/**
 * Tells what something is by ranged reads of its beginning and its end; never its content. What is damaged is told as far
 * as it can be read, with the failure in `problem`.
 */
export async function inspect(whole: ByteSource, options: InspectOptions): Promise<Inspected> {
  const source = remembering(whole);
  const { lengthBytes } = source;
  if (lengthBytes === 0) return { kind: 'unknown', lengthBytes, authenticated: false };
  const tailBytes = Math.min(footerBytes + indexLengthBytes, lengthBytes);
  const tail = await source.read(lengthBytes - tailBytes, tailBytes);
  const head = await source.read(0, Math.min(headBytes, lengthBytes));
  if (lengthBytes >= leastSealedBytes && isMagic(tail.subarray(indexLengthBytes))) {
    return sealedFile(source, head, tail.subarray(indexLengthBytes), options);
  }
  const indexLength =
    tail.length < indexLengthBytes ? 0n : tail.readBigUInt64BE(tail.length - indexLengthBytes);
  if (isMagic(tail) && indexLength >= leastSealedBytes && indexLength <= lengthBytes - indexLengthBytes) {
    return pack(source, Number(indexLength), options);
  }
  if (head[0] === openBrace && lengthBytes <= longestDocumentBytes) {
    const document = await keyringDocument(source);
    if (document !== undefined) return document;
  }
  return ((head[0] ?? 0) & 0xc0) === 0xc0 ? openpgp(source) : unknown(source);
}

const openBrace = 0x7b;
const isMagic = (bytes: Buffer): boolean => bytes.subarray(0, magic.length).equals(magic);
const unknown = ({ lengthBytes }: ByteSource): Inspected => ({
  kind: 'unknown',
  lengthBytes,
  authenticated: false,
});

async function sealedFile(
  source: ByteSource,
  head: Buffer,
  footer: Buffer,
  { keys }: InspectOptions,
  member?: ContentMember,
): Promise<Extract<Inspected, { kind: 'sealed file' }>> {
  const { lengthBytes } = source;
  const frame = stated(readFrame(head, footer, lengthBytes));
  const told = { kind: 'sealed file', lengthBytes, frame, authenticated: false } as const;
  if (keys === undefined) return told;
  try {
    const sealed = await openSealed(source, { keys, purpose: 'content' });
    if (member !== undefined) checkMember(member, sealed);
    return { ...told, authenticated: true, path: sealed.path, metadata: sealed.metadata };
  } catch (error) {
    return { ...told, problem: problemOf(error) };
  }
}

async function pack(
  source: ByteSource,
  indexLength: number,
  { keys, name }: InspectOptions,
): Promise<Inspected> {
  const { lengthBytes } = source;
  const index = sliceOf(source, lengthBytes - indexLengthBytes - indexLength, indexLength);
  const [head, footer] = [
    await index.read(0, headBytes),
    await index.read(indexLength - footerBytes, footerBytes),
  ];
  const frame = stated(readFrame(head, footer, indexLength));
  const isManifest = name?.startsWith('manifests/') ?? false;
  const kind = isManifest ? ('manifest' as const) : ('pack' as const);
  const told = { kind, lengthBytes, frame, indexLength, authenticated: false };
  if (keys === undefined) return told;
  try {
    const opened = await readPackIndex(source, { objectName: name, keyById: keys });
    const { objectName } = opened;
    if (!objectName.startsWith('manifests/')) {
      const { members } = await readContentPack(source, { objectName, keyById: keys });
      return { ...told, authenticated: true, objectName, members };
    }
    const { members } = opened.index;
    const manifestHead = await openManifestHead(source, { objectName, keyById: keys });
    return { ...told, kind: 'manifest', authenticated: true, objectName, members, head: manifestHead };
  } catch (error) {
    return { ...told, problem: problemOf(error) };
  }
}

/**
 * As {@link inspect}, of one sealed file in a pack, which its index says where to find; `number` counts from 1. Undefined
 * where there is none of this number. Throws Failure `tampered`, `unsupported_format` or `unknown_key` where the index is
 * not a content pack's, or no key opens it.
 */
export async function inspectMember(
  whole: ByteSource,
  number: number,
  { keys, name }: InspectOptions & { readonly keys: KeyById },
): Promise<Inspected | undefined> {
  const source = remembering(whole);
  const { members } = await readContentPack(source, { objectName: name, keyById: keys });
  const member = members[number - 1];
  if (member === undefined) return undefined;
  const { offset, length } = member;
  const part = sliceOf(source, offset, length);
  const [head, footer] = [await part.read(0, headBytes), await part.read(length - footerBytes, footerBytes)];
  const told = await sealedFile(part, head, footer, { keys }, member);
  return { ...told, member: { number, count: members.length, offset } };
}

async function keyringDocument(source: ByteSource): Promise<Inspected | undefined> {
  const { lengthBytes } = source;
  const bytes = await source.read(0, lengthBytes);
  try {
    const { repository, keyId, purpose, generation, holder, kdf, iterations } = parseDocument(bytes);
    const document = {
      repository,
      keyId: keyId.toString('hex'),
      purpose,
      generation,
      holder,
      kdf,
      iterations,
    };
    return { kind: 'keyring document', lengthBytes, authenticated: false, document };
  } catch (error) {
    // Any JSON begins like a keyring document.
    if (isFailure(error)) return undefined;
    throw error;
  }
}

async function openpgp(source: ByteSource): Promise<Inspected> {
  const { lengthBytes } = source;
  const packets = new OuterPackets();
  try {
    for (let at = 0; at < Math.min(lengthBytes, mostPacketBytes); at += packetStepBytes) {
      const step = await source.read(at, Math.min(packetStepBytes, lengthBytes - at));
      if (packets.add(step).length === 0) continue;
      const recipients = packets.recipients();
      return { kind: 'openpgp message', lengthBytes, authenticated: false, recipients };
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  return unknown(source);
}

/** What a key did not vouch for. */
function problemOf(error: unknown): Failure {
  if (isFailure(error)) return error;
  throw error;
}

function stated(frame: Frame): StatedFrame {
  const { iv, keyId, tableLength: _, ...numbers } = frame;
  return { ...numbers, iv: iv.toString('hex'), keyId: keyId.toString('hex') };
}

/** Keeps what was read, so that no byte is asked for twice. */
function remembering(source: ByteSource): ByteSource {
  const kept: { readonly offset: number; readonly bytes: Buffer }[] = [];
  return {
    lengthBytes: source.lengthBytes,
    async read(offset, length) {
      const holding = kept.find(
        (range) => range.offset <= offset && offset + length <= range.offset + range.bytes.length,
      );
      if (holding) return holding.bytes.subarray(offset - holding.offset, offset - holding.offset + length);
      const bytes = await source.read(offset, length);
      kept.push({ offset, bytes });
      return bytes;
    },
  };
}
