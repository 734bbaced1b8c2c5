/** Metadata of a sealed file: docs/format.md section 4.4. */
import { isUtf8 } from 'node:buffer';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { type Check, isAttributes, isHex, isName, isNanoseconds, isWhole } from './fields.ts';
import type { Purpose } from './keys.ts';
import { maxMetadataBytes, maxPlaintextBytes } from './layout.ts';

/** Of a file's content. Plain JSON data; a decoded one also holds, at run time, the members this version does not know. */
export interface SealedMetadata {
  readonly v: 1;
  readonly source: Id;
  readonly entry: Id;
  readonly version: Id;
  readonly observation: number;
  readonly purpose: 'content';
  readonly kind: 'file';
  readonly size: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Decimal nanoseconds since 1970 UTC, signed 64 bits. */
  readonly mtimeNs: string;
  /** Hex. */
  readonly sha512: string;
  /** Hex. */
  readonly sha256: string;
  /** Key scope name. */
  readonly scope: string;
  /** Retention class. */
  readonly class: string;
  readonly hardlink?: Id;
  /** Attribute name to base64 of its value. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** How many extended attributes did not fit; absent when all did. */
  readonly xattrsDropped?: number;
}

/** Of a sealed file that is a part of an object: rows of a manifest, the index of a pack. Exactly these members. */
export interface PartMetadata {
  readonly v: 1;
  readonly purpose: Exclude<Purpose, 'content'>;
  readonly size: number;
  /** Hex. */
  readonly sha512: string;
  /** Hex. */
  readonly sha256: string;
  /** Key scope name. */
  readonly scope: string;
}

export type MetadataOf<P extends Purpose> = P extends 'content' ? SealedMetadata : PartMetadata;

export interface PathAndMetadata<P extends Purpose = 'content'> {
  /** Raw bytes. Content: relative to the source's root. Else: name of the object it is a part of, without prefix. */
  readonly path: Buffer;
  readonly metadata: MetadataOf<P>;
}

const isId = isHex(16);
const isOwner = isWhole(0, 0xffff_ffff);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const common: readonly (readonly [member: string, Check])[] = [
  ['v', (value) => value === 1],
  ['purpose', (value) => typeof value === 'string'],
  ['size', isWhole(0, maxPlaintextBytes)],
  ['sha512', isHex(64)],
  ['sha256', isHex(32)],
  ['scope', isName],
];

const ofContent: typeof common = [
  ...common,
  ['source', isId],
  ['entry', isId],
  ['version', isId],
  ['observation', isWhole(0, Number.MAX_SAFE_INTEGER)],
  ['kind', (value) => value === 'file'],
  ['mode', isWhole(0, 0o7777)],
  ['uid', isOwner],
  ['gid', isOwner],
  ['mtimeNs', isNanoseconds],
  ['class', isName],
  ['hardlink', optional(isId)],
  ['xattrs', optional(isAttributes)],
  ['xattrsDropped', optional(isWhole(1, Number.MAX_SAFE_INTEGER))],
];

/** Checked twice for every file, by its sealer and by its reader: by hand, because a schema takes a tenth of their time. */
function isInForm(metadata: unknown, purpose: Purpose): boolean {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return false;
  const members = metadata as Readonly<Record<string, unknown>>;
  if (purpose === 'content') return ofContent.every(([member, check]) => check(members[member]));
  return (
    Object.keys(members).length === common.length && common.every(([member, check]) => check(members[member]))
  );
}

const maxPathBytes = 0xffff;

/**
 * `u16 P ‖ path ‖ JSON`, at most 1 MiB. Extended attributes that do not fit are left out, longest first, and counted in
 * `xattrsDropped`. Throws Failure `name_too_long`; TypeError for a path or metadata outside the format, which is a defect.
 */
export function encodeMetadata(path: Buffer, metadata: SealedMetadata | PartMetadata): Buffer {
  if (path.length > maxPathBytes) throw new Failure('name_too_long');
  if (!isRelativePath(path)) throw new TypeError('path is not relative, or has an empty or special name');
  if (!isInForm(metadata, metadata.purpose)) throw new TypeError('metadata is outside the format');
  const maxJsonBytes = maxMetadataBytes - 2 - path.length;
  let json = canonical(metadata);
  // Nothing in a part's metadata can be that long.
  if (json.length > maxJsonBytes && metadata.purpose === 'content')
    json = canonicalWithin(metadata, maxJsonBytes);
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(path.length);
  return Buffer.concat([prefix, path, json]);
}

/** JSON of `metadata` without the fewest longest attributes that bring it down to `maxBytes`. */
function canonicalWithin(metadata: SealedMetadata, maxBytes: number): Buffer {
  const { xattrs = {}, xattrsDropped = 0, ...rest } = metadata;
  const attributes = Object.entries(xattrs);
  attributes.sort(([nameA, a], [nameB, b]) => b.length - a.length || (nameA < nameB ? -1 : 1));
  const jsonWithout = (dropped: number): Buffer => {
    const kept = dropped < attributes.length ? { xattrs: Object.fromEntries(attributes.slice(dropped)) } : {};
    return canonical({ ...rest, ...kept, xattrsDropped: xattrsDropped + dropped });
  };
  if (attributes.length === 0 || jsonWithout(attributes.length).length > maxBytes) {
    throw new Failure('name_too_long');
  }
  let low = 1;
  let high = attributes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (jsonWithout(middle).length <= maxBytes) high = middle;
    else low = middle + 1;
  }
  return jsonWithout(low);
}

/**
 * Reads authenticated metadata of the form that belongs to `purpose`; its own `purpose` is left to the caller to compare.
 * Throws Failure `unsupported_format` for what the format does not define.
 */
export function decodeMetadata<P extends Purpose>(bytes: Buffer, purpose: P): PathAndMetadata<P> {
  const pathBytes = bytes.length < 2 ? bytes.length : bytes.readUInt16BE(0);
  const path = bytes.subarray(2, 2 + pathBytes);
  if (path.length !== pathBytes || !isRelativePath(path)) throw malformed();
  const json = parseJson(bytes.subarray(2 + pathBytes));
  if (!isInForm(json, purpose)) throw malformed();
  return { path: Buffer.from(path), metadata: json as MetadataOf<P> };
}

/** True for names joined by `/`, none of them empty, `.` or `..`, without byte 0. */
function isRelativePath(path: Buffer): boolean {
  if (path.includes(0)) return false;
  return !/(?:^|\/)\.{0,2}(?:\/|$)/.test(path.toString('latin1'));
}

function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw malformed();
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw malformed();
  }
}

function malformed(): Failure {
  return new Failure('unsupported_format', { detail: 'its metadata is not of a known form' });
}
