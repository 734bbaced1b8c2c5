/** What the lines of a manifest may hold: docs/format.md sections 6.2 to 6.4. */
import { z } from 'zod';
import { type LockMode, lockModes, outcomes, verdictReasons, verdictStates } from '../domain/records.ts';
import { isRelativePath } from '../files/paths.ts';
import { attributes, hex, name, nanoseconds, whole } from '../sealed/fields.ts';
import { maxManifestNumber } from './names.ts';
import type { ManifestHead, ManifestRow } from './records.ts';

/** Rows of one manifest, in all sections together. */
export const maxRows = 20_000;
/** Content of all sections of one manifest together. Bytes. */
export const maxSectionsBytes = 64 * 1024 * 1024;
/** The whole object. Bytes. */
export const maxManifestBytes = 128 * 1024 * 1024;

const text = z.string().refine((value) => value.isWellFormed());
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, { abort: true })
  .refine((value) => !Number.isNaN(Date.parse(value)));
const id = hex(16);
const any = Number.MAX_SAFE_INTEGER;

/** Base64url without padding, of bytes that `accepts`; Node's decoder alone is lenient. */
const bytes = (accepts: (decoded: Buffer) => boolean) =>
  z.string().refine((encoded) => {
    const decoded = Buffer.from(encoded, 'base64url');
    return decoded.toString('base64url') === encoded && accepts(decoded);
  });

const isPath = (path: Buffer): boolean => path.length >= 1 && path.length <= 0xffff && isRelativePath(path);

const head = z
  .strictObject({
    v: z.literal(1),
    source: id,
    name,
    number: whole(1, maxManifestNumber),
    kind: z.enum(['journal', 'checkpoint']),
    part: whole(2, maxManifestNumber).optional(),
    last: z.boolean(),
    previousSha256: hex(32).nullable(),
    createdAt: time,
  })
  .refine(({ kind, part, last }) => kind === 'checkpoint' || (last && part === undefined));

const verdict = z.strictObject({
  state: z.enum(verdictStates),
  reason: z.enum(verdictReasons).optional(),
  signature: text.optional(),
  engine: text,
  signatureRevision: text,
  signaturesAt: time,
  signatureSet: z.enum(['official', 'custom', 'builtin-test']),
});

const placement = z
  .strictObject({
    destination: text,
    object: text.min(1),
    s3VersionId: text,
    offset: whole(0, any),
    length: whole(1, any),
    format: z.enum(['sealed-v1', 'openpgp']),
    key: id,
    generation: whole(0, 2 ** 31 - 1),
    iv: hex(16),
    madeFor: id,
    sealedSha256: hex(32).optional(),
    lockMode: z.enum(lockModes as readonly [LockMode, ...LockMode[]]),
    retainUntil: time,
  })
  .refine((where) => where.format === 'sealed-v1' || where.sealedSha256 !== undefined);

const row = z
  .strictObject({
    entry: id,
    path: bytes(isPath),
    version: id,
    observation: whole(0, any),
    kind: z.enum(['file', 'dir', 'link', 'special']),
    outcome: z.enum(outcomes).exclude(['cancelled']),
    reason: text.optional(),
    size: whole(0, any),
    mode: whole(0, 0o7777),
    uid: whole(0, 0xffff_ffff),
    gid: whole(0, 0xffff_ffff),
    mtimeNs: nanoseconds,
    linkTarget: bytes(() => true).optional(),
    hardlink: id.optional(),
    xattrs: attributes.optional(),
    xattrsDropped: whole(1, any).optional(),
    sha512: hex(64).optional(),
    sha256: hex(32).optional(),
    mediaType: text.optional(),
    class: name.optional(),
    classification: text.optional(),
    bundle: hex(32).optional(),
    run: name,
    observedAt: time,
    settledAt: time,
    verdict: verdict.optional(),
    placements: z.array(placement).min(1).optional(),
  })
  .refine((one) => {
    const ofFile = [one.hardlink, one.sha512, one.placements].every((member) => member === undefined);
    const isPaired = (one.sha512 === undefined) === (one.sha256 === undefined);
    const linksOnly = one.linkTarget === undefined || one.kind === 'link';
    return isPaired && linksOnly && (one.kind === 'file' || ofFile);
  });

// What zod infers as `undefined` is an absent member: JSON has no other way to leave one out.
export const headSchema = head as unknown as z.ZodType<ManifestHead>;
export const rowSchema = row as unknown as z.ZodType<ManifestRow>;

export const indexSchema = z
  .strictObject({
    v: z.literal(1),
    head: headSchema,
    members: z.array(
      z.strictObject({
        offset: whole(0, any),
        length: whole(1, any),
        scope: name,
        keyId: id,
        rows: whole(1, maxRows),
      }),
    ),
  })
  .refine(({ members }) => new Set(members.map(({ scope }) => scope)).size === members.length)
  .refine(({ members }) => members.reduce((sum, { rows }) => sum + rows, 0) <= maxRows);
