/** Heads of the audit trail and their anchors: docs/audit.md sections 3 and 4. */
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import { type AuditPublicKey, type AuditSigner, isSigned } from './keys.ts';

const id = z.string().regex(/^[0-9a-f]{32}$/);
const hashText = z.string().regex(/^[0-9a-f]{64}$/);
/** Highest number a head can have: twelve digits. */
const maxHeadNumber = 999_999_999_999;

const headSchema = z.strictObject({
  v: z.literal(1),
  repository: id,
  /** Counts up by 1. */
  number: z.int().min(1).max(maxHeadNumber),
  /** Number of the trail's first head: 1, or where a trail begins anew the one after the highest that was anchored. */
  first: z.int().min(1).max(maxHeadNumber),
  /** ISO 8601 UTC with milliseconds, by the writer's clock. */
  at: z.iso.datetime({ precision: 3 }),
  /** Number of the newest event it covers. */
  last: z.int(),
  /** Events since the head before. */
  size: z.int().min(1),
  /** Root over the leaves of those events, in the order of their numbers. */
  root: hashText,
  /** Root over the bytes of all heads from the first to the one before it. */
  history: hashText,
  /** The key that signs it. */
  key: id,
});

export type Head = z.infer<typeof headSchema>;

/** A head as it was signed. `bytes` are its canonical JSON. */
export interface SignedHead {
  readonly head: Head;
  readonly bytes: Buffer;
  readonly signature: Buffer;
}

export function signHead(signer: AuditSigner, head: Omit<Head, 'v' | 'key'>): SignedHead {
  const signed: Head = { v: 1, ...head, key: signer.id };
  const bytes = canonical(signed);
  return { head: signed, bytes, signature: signer.sign('holdfast/1/audit head', bytes) };
}

/** A head that one of the keys signed; undefined for anything else. */
export function openHead(
  bytes: Buffer,
  signature: Buffer,
  repository: Id,
  keys: readonly AuditPublicKey[],
): SignedHead | undefined {
  const head = parsed(bytes, headSchema);
  const key = keys.find(({ id }) => id === head?.key);
  if (head === undefined || key === undefined || head.repository !== repository) return undefined;
  return isSigned(key, 'holdfast/1/audit head', bytes, signature) ? { head, bytes, signature } : undefined;
}

/** A head as it lies in a bucket. */
const anchorSchema = z.strictObject({ head: z.unknown(), signature: z.string() });

/** Anchors are a few hundred bytes; whoever can write to the bucket can plant anything. */
export const maxAnchorBytes = 4_096;

export function anchorBytes({ head, signature }: SignedHead): Buffer {
  return canonical({ head, signature: signature.toString('base64url') });
}

/** The head of an anchor with this name; undefined for anything else. */
export function openAnchor(
  bytes: Buffer,
  number: number,
  repository: Id,
  keys: readonly AuditPublicKey[],
): SignedHead | undefined {
  const anchor = parsed(bytes, anchorSchema);
  if (anchor === undefined) return undefined;
  const signature = Buffer.from(anchor.signature, 'base64url');
  if (signature.toString('base64url') !== anchor.signature) return undefined;
  const opened = openHead(canonical(anchor.head), signature, repository, keys);
  return opened?.head.number === number ? opened : undefined;
}

/** Below this lie all anchors of a repository, without prefix. */
export const anchorsFolder = 'audit/';

/** Name of an anchor, without prefix. */
export function anchorName(number: number): string {
  return `${anchorsFolder}${String(number).padStart(12, '0')}`;
}

/** The number in an anchor's name without prefix; undefined for one that is no anchor's. */
export function parseAnchorName(name: string): number | undefined {
  const digits = /^audit\/([0-9]{12})$/.exec(name)?.[1];
  return Number(digits) >= 1 ? Number(digits) : undefined;
}

/** What canonical JSON of this form says; undefined for other bytes. */
function parsed<T>(bytes: Buffer, schema: z.ZodType<T>): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
    if (!canonical(value).equals(bytes)) return undefined;
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
}
