/** Several sealed files in one object: docs/format.md section 5. */
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { hex, name, whole } from './fields.ts';
import type { Purpose, SealingKey } from './keys.ts';
import { type ByteSource, type OpenedSealed, openSealed } from './open.ts';
import { damaged, leastSealedBytes } from './read-frame.ts';

const indexLengthBytes = 8;
const leastPackBytes = leastSealedBytes + indexLengthBytes;
const maxIndexBytes = 16 * 1024 * 1024;

/** One sealed file of a pack. */
export interface PackMember {
  /** From the start of the pack, bytes. */
  readonly offset: number;
  readonly length: number;
  /** Scope name: what it is sealed under. */
  readonly scope: string;
  readonly keyId: Id;
}

/** Content of a pack's index. What the pack is for adds members to it and to each of its members. */
export interface PackIndex {
  readonly v: 1;
  readonly members: readonly PackMember[];
}

export interface OpenedIndex {
  /** Authenticated; the index and its members also hold what the pack's use adds. */
  readonly index: PackIndex;
  /** Scope name: what the index itself is sealed under. */
  readonly scope: string;
  /** The object's name without prefix, as the index says; equals the one it was asked for. */
  readonly objectName: string;
}

export interface PackKeys {
  /** The key with this id (16 bytes), or undefined. */
  readonly keyById: (id: Buffer) => SealingKey | undefined;
}

/** Where each of `sealed` will lie, laid back to back from 0. */
export function layMembers<Facts>(
  sealed: readonly { readonly bytes: Buffer; readonly facts: Facts }[],
): (Facts & { readonly offset: number; readonly length: number })[] {
  let offset = 0;
  return sealed.map(({ bytes, facts }) => {
    const member = { ...facts, offset, length: bytes.length };
    offset += bytes.length;
    return member;
  });
}

/** The bytes of a pack. `sealedIndex` must name `sealedMembers` in this order. */
export function packBytes(sealedMembers: readonly Buffer[], sealedIndex: Buffer): Buffer {
  const length = Buffer.alloc(indexLengthBytes);
  length.writeBigUInt64BE(BigInt(sealedIndex.length));
  return Buffer.concat([...sealedMembers, sealedIndex, length]);
}

const indexSchema = z.looseObject({
  v: z.literal(1),
  members: z.array(
    z.looseObject({
      offset: whole(0, Number.MAX_SAFE_INTEGER),
      length: whole(leastSealedBytes, Number.MAX_SAFE_INTEGER),
      scope: name,
      keyId: hex(16),
    }),
  ),
});

/**
 * Opens the index of a pack by its tail. `objectName` without prefix; undefined where it is not known, then no name is
 * compared. Throws Failure `tampered`, `unsupported_format` or `unknown_key`.
 */
export async function readPackIndex(
  source: ByteSource,
  { objectName, keyById }: PackKeys & { readonly objectName: string | undefined },
): Promise<OpenedIndex> {
  if (source.lengthBytes < leastPackBytes) throw damaged('too short for a pack');
  const indexEnd = source.lengthBytes - indexLengthBytes;
  const lengthField = await source.read(indexEnd, indexLengthBytes);
  if (lengthField.length !== indexLengthBytes) throw damaged('it ends early');
  const indexLength = lengthField.readBigUInt64BE();
  if (indexLength < leastSealedBytes || indexLength > indexEnd) {
    throw damaged('the length of its index is out of range');
  }
  const indexAt = indexEnd - Number(indexLength);
  const part = sliceOf(source, indexAt, Number(indexLength));
  const opened = await openPart(part, { purpose: 'pack index', objectName, keyById });
  const index = parseJson(await contentWithin(opened, maxIndexBytes));
  const parsed = indexSchema.safeParse(index);
  if (!parsed.success)
    throw new Failure('unsupported_format', { detail: 'its index is not of a known form' });
  checkTiling(parsed.data.members, indexAt);
  return {
    index: parsed.data,
    scope: opened.metadata.scope,
    objectName: opened.path.toString('utf8'),
  };
}

/** Opens a member and holds it against the index. Throws like {@link readPackIndex}. */
export async function openMember<P extends Exclude<Purpose, 'content'>>(
  source: ByteSource,
  member: PackMember,
  { purpose, objectName, keyById }: PackKeys & { readonly purpose: P; readonly objectName: string },
): Promise<OpenedSealed<P>> {
  const part = sliceOf(source, member.offset, member.length);
  const opened = await openPart(part, { purpose, objectName, keyById });
  const isNamed = opened.metadata.scope === member.scope && opened.keyId.toString('hex') === member.keyId;
  if (!isNamed) throw damaged('a member is not the one its index names');
  return opened;
}

/** The whole content, if the authenticated footer says that it is at most `maxBytes` long. Throws Failure `tampered`. */
export async function contentWithin(sealed: OpenedSealed<Purpose>, maxBytes: number): Promise<Buffer> {
  if (sealed.plaintextLength > maxBytes) throw damaged('a part is longer than the format allows');
  const segments: Buffer[] = [];
  for await (const segment of sealed.segments()) segments.push(segment);
  return Buffer.concat(segments);
}

/** JSON from authenticated bytes. Throws Failure `unsupported_format`. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Failure('unsupported_format', { detail: 'a part is not JSON' });
  }
}

/** `length` bytes of a source from `offset`, as a source of its own. */
export function sliceOf(source: ByteSource, offset: number, length: number): ByteSource {
  return { lengthBytes: length, read: (at, count) => source.read(offset + at, count) };
}

async function openPart<P extends Exclude<Purpose, 'content'>>(
  part: ByteSource,
  { purpose, objectName, keyById }: PackKeys & { purpose: P; objectName: string | undefined },
): Promise<OpenedSealed<P>> {
  const opened = await openSealed(part, { purpose, keys: keyById });
  const isOfObject = objectName === undefined || opened.path.equals(Buffer.from(objectName));
  if (!isOfObject) throw damaged('a part belongs to another object');
  return opened;
}

function checkTiling(members: readonly PackMember[], end: number): void {
  let at = 0;
  for (const { offset, length } of members) {
    if (offset !== at) throw damaged('its members do not lie back to back');
    at += length;
  }
  if (at !== end) throw damaged('its members do not end where its index begins');
}
