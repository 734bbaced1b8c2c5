/** Metadata of a sealed file: docs/format.md section 4.4. */
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { Purpose } from './keys.ts';
import { maxMetadataBytes, maxPlaintextBytes } from './layout.ts';

/** Plain JSON data. A decoded one also holds, at run time, the members this version does not know. */
export interface SealedMetadata {
  readonly v: 1;
  readonly source: Id;
  readonly entry: Id;
  readonly version: Id;
  readonly observation: number;
  readonly purpose: Purpose;
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

export interface PathAndMetadata {
  /** Relative to the source's root, raw bytes. */
  readonly path: Buffer;
  readonly metadata: SealedMetadata;
}

const hex = (sizeBytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * sizeBytes}}$`));
const wellFormed = (text: string) => text.isWellFormed();
const name = z
  .string()
  .min(1)
  .refine((text) => wellFormed(text) && Buffer.byteLength(text) <= 255);
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const whole = (min: number, max: number) => z.number().int().min(min).max(max);
const nanoseconds = z
  .string()
  // Without abort, what is no number would still reach BigInt, which throws.
  .regex(/^(?:0|-?[1-9][0-9]{0,18})$/, { abort: true })
  .refine((text) => BigInt.asIntN(64, BigInt(text)) === BigInt(text));

const schema = z.looseObject({
  v: z.literal(1),
  source: hex(16),
  entry: hex(16),
  version: hex(16),
  observation: whole(0, Number.MAX_SAFE_INTEGER),
  purpose: z.string(),
  kind: z.literal('file'),
  size: whole(0, maxPlaintextBytes),
  mode: whole(0, 0o7777),
  uid: whole(0, 0xffff_ffff),
  gid: whole(0, 0xffff_ffff),
  mtimeNs: nanoseconds,
  sha512: hex(64),
  sha256: hex(32),
  scope: name,
  class: name,
  hardlink: hex(16).optional(),
  xattrs: z.custom<Record<string, string>>(isAttributes).optional(),
  xattrsDropped: whole(1, Number.MAX_SAFE_INTEGER).optional(),
});

/** Checked by hand, because zod's records pass over a member named `__proto__`. */
function isAttributes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([attribute, text]) => wellFormed(attribute) && typeof text === 'string' && base64.test(text),
  );
}

const maxPathBytes = 0xffff;

/**
 * `u16 P ‖ path ‖ JSON`, at most 1 MiB. Extended attributes that do not fit are left out, longest first, and counted in
 * `xattrsDropped`. Throws Failure `name_too_long`; TypeError for a path or metadata outside the format, which is a defect.
 */
export function encodeMetadata(path: Buffer, metadata: SealedMetadata): Buffer {
  if (path.length > maxPathBytes) throw new Failure('name_too_long');
  if (!isRelativePath(path)) throw new TypeError('path is not relative, or has an empty or special name');
  if (!schema.safeParse(metadata).success) throw new TypeError('metadata is outside the format');
  const maxJsonBytes = maxMetadataBytes - 2 - path.length;
  let json = canonical(metadata);
  if (json.length > maxJsonBytes) json = canonicalWithin(metadata, maxJsonBytes);
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

/** Reads authenticated metadata. Throws Failure `unsupported_format` for what the format does not define. */
export function decodeMetadata(bytes: Buffer): PathAndMetadata {
  const pathBytes = bytes.length < 2 ? bytes.length : bytes.readUInt16BE(0);
  const path = bytes.subarray(2, 2 + pathBytes);
  if (path.length !== pathBytes || !isRelativePath(path)) throw malformed();
  const json = parseJson(bytes.subarray(2 + pathBytes));
  if (!schema.safeParse(json).success) throw malformed();
  return { path: Buffer.from(path), metadata: json as SealedMetadata };
}

/** True for names joined by `/`, none of them empty, `.` or `..`, without byte 0. */
function isRelativePath(path: Buffer): boolean {
  if (path.includes(0)) return false;
  return path
    .toString('latin1')
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw malformed();
  }
}

function malformed(): Failure {
  return new Failure('unsupported_format', { detail: 'its metadata is not of a known form' });
}
