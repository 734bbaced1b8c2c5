/** The form of a keyring document, read strictly because whoever can write to the bucket can write it: docs/format.md section 3.1. */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';

const maxDocumentBytes = 65_536;
const gcmTagBytes = 16;

/** Base64url text of `sizeBytes` bytes, or of any number where none is given; read into a Buffer. */
export function binary(sizeBytes?: number) {
  return z.string().transform((encoded, context): Buffer => {
    const bytes = Buffer.from(encoded, 'base64url');
    // Node's decoder is lenient: what does not encode back was not base64url without padding.
    const strict = bytes.toString('base64url') === encoded;
    if (!strict || (sizeBytes !== undefined && bytes.length !== sizeBytes)) {
      context.addIssue('not base64url of the expected length');
    }
    return bytes;
  });
}

const id = z.string().regex(/^[0-9a-f]{32}$/);
/** RFC 8785 has no form for a lone surrogate, so asking for that form would throw. */
export const text = z.string().refine((value) => value.isWellFormed());

/** Counts generations, and the keys of a scope. */
export const ordinal = z.number().int().min(1).max(99_999_999);

const documentSchema = z.strictObject({
  v: z.literal(1),
  repository: id,
  keyId: id.transform((hex): Buffer => Buffer.from(hex, 'hex')),
  purpose: text,
  generation: ordinal,
  holder: z
    .string()
    .regex(/^[a-z0-9._-]{1,64}$/)
    .optional(),
  kdf: text,
  iterations: z.number().int().min(0),
  salt: binary(),
  nonce: binary(12),
  wrapped: binary(),
  checksum: binary(32),
});

export type KeyringDocument = z.infer<typeof documentSchema>;

/** What the GCM tag vouches for besides the wrapped key. */
type Header = Omit<KeyringDocument, 'nonce' | 'wrapped' | 'checksum'>;

/**
 * Encrypts `plaintext` under `wrappingKey` (32 bytes) and gives the document's bytes. They are parsed once before they are
 * given out: a keyring that cannot be read loses everything.
 */
export function wrapDocument(header: Header, plaintext: Buffer, wrappingKey: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
  cipher.setAAD(canonical(headerJson(header)));
  const wrapped = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  const unchecked = { ...headerJson(header), nonce: encode(nonce), wrapped: encode(wrapped) };
  const bytes = canonical({ ...unchecked, checksum: hash('sha256', canonical(unchecked), 'base64url') });
  parseDocument(bytes);
  return bytes;
}

/** Steps 1 to 3. Throws Failure `corrupted_keyring` or `unsupported_format`. */
export function parseDocument(bytes: Buffer): KeyringDocument {
  if (bytes.length > maxDocumentBytes) throw corrupted('it is too long');
  const json = parseJson(bytes);
  const version = z.looseObject({ v: z.number().int() }).safeParse(json);
  if (!version.success) throw corrupted('it is not a keyring document');
  if (version.data.v !== 1) {
    throw new Failure('unsupported_format', { detail: `keyring version ${version.data.v}` });
  }
  return parseCanonical(bytes, documentSchema);
}

/** Step 5: tells an accident from a wrong password. Throws Failure `corrupted_keyring`. */
export function checkChecksum(document: KeyringDocument): void {
  const { nonce, wrapped, checksum } = document;
  const unchecked = { ...headerJson(document), nonce: encode(nonce), wrapped: encode(wrapped) };
  if (hash('sha256', canonical(unchecked), 'base64url') !== encode(checksum)) {
    throw corrupted('its checksum does not match');
  }
}

/** The wrapped plaintext, or undefined where the tag does not verify. */
export function unwrap(document: KeyringDocument, wrappingKey: Buffer): Buffer | undefined {
  const ciphertext = document.wrapped.subarray(0, -gcmTagBytes);
  const tag = document.wrapped.subarray(-gcmTagBytes);
  if (tag.length !== gcmTagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey, document.nonce, {
    authTagLength: gcmTagBytes,
  });
  decipher.setAAD(canonical(headerJson(document)));
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** JSON of the schema's form, in exactly its canonical bytes. Throws Failure `corrupted_keyring`. */
export function parseCanonical<Schema extends z.ZodType>(bytes: Buffer, schema: Schema): z.infer<Schema> {
  const json = parseJson(bytes);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw corrupted('its members are not as they must be');
  if (!canonical(json).equals(bytes)) throw corrupted('it is not in canonical form');
  return parsed.data;
}

export function corrupted(detail: string): Failure {
  return new Failure('corrupted_keyring', { detail });
}

function headerJson(header: Header) {
  const { v, repository, keyId, purpose, generation, holder, kdf, iterations, salt } = header;
  return {
    v,
    repository,
    keyId: keyId.toString('hex'),
    purpose,
    generation,
    ...(holder === undefined ? {} : { holder }),
    kdf,
    iterations,
    salt: encode(salt),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw corrupted('it is not JSON');
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}
