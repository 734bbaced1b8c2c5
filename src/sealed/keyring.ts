/** The keyring: docs/format.md section 3. */
import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import {
  binary,
  checkChecksum,
  corrupted,
  type KeyringDocument,
  parseCanonical,
  parseDocument,
  unwrap,
  wrapDocument,
} from './keyring-document.ts';
import { expand, type SealingKey } from './keys.ts';
import { scopeId, scopeObjectKey } from './names.ts';

/** A key for what passes through Temporal. */
export interface PayloadKey {
  /** 16 bytes. */
  readonly id: Buffer;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** The repository's root. `master`, `naming` and `pathId` are 64 bytes each. */
export interface RootKeys {
  readonly repositoryId: Id;
  readonly generation: number;
  /** Id of the master key, 16 bytes. */
  readonly keyId: Buffer;
  readonly master: Buffer;
  readonly naming: Buffer;
  readonly pathId: Buffer;
  /** At least one; the last encrypts, all decrypt. */
  readonly payload: readonly PayloadKey[];
}

const leastIterations = 600_000;
const mostIterations = 10_000_000;
const rootKdf = 'pbkdf2-hmac-sha256';
const scopeKdf = 'holdfast-wrap';
const secretBytes = 64;

const rootPlaintext = z.strictObject({
  master: binary(secretBytes),
  naming: binary(secretBytes),
  pathId: binary(secretBytes),
  payload: z.array(z.strictObject({ id: binary(16), key: binary(32) })).min(1),
});

/**
 * Draws a new root and wraps it under `password` (at least one byte). `repositoryId` is 32 hex digits, `generation` 1 to
 * 99,999,999, `iterations` 600,000 (default) to 10,000,000. Throws Failure `empty_password`.
 */
export async function createRoot(
  password: Buffer,
  o: { readonly repositoryId: Id; readonly generation: number; readonly iterations?: number },
): Promise<{ objectBytes: Buffer; root: RootKeys }> {
  if (password.length === 0) throw new Failure('empty_password');
  const iterations = o.iterations ?? leastIterations;
  if (!isAcceptable(iterations)) throw new RangeError('iterations outside the format');
  const root: RootKeys = {
    repositoryId: o.repositoryId,
    generation: o.generation,
    keyId: randomBytes(16),
    master: randomBytes(secretBytes),
    naming: randomBytes(secretBytes),
    pathId: randomBytes(secretBytes),
    payload: [{ id: randomBytes(16), key: randomBytes(32) }],
  };
  const salt = randomBytes(16);
  const objectBytes = wrapDocument(
    {
      v: 1,
      repository: o.repositoryId,
      keyId: root.keyId,
      purpose: 'root',
      generation: o.generation,
      kdf: rootKdf,
      iterations,
      salt,
    },
    canonical({
      master: text(root.master),
      naming: text(root.naming),
      pathId: text(root.pathId),
      payload: root.payload.map(({ id, key }) => ({ id: text(id), key: text(key) })),
    }),
    await passwordKey(password, salt, iterations),
  );
  return { objectBytes, root };
}

/**
 * Opens a root document. The caller compares `generation` and `repositoryId` with what it meant to open.
 * Throws Failure `wrong_password`, `corrupted_keyring`, `hostile_keyring` or `unsupported_format`; only the first after a
 * key was derived from the password.
 */
export async function openRoot(objectBytes: Buffer, password: Buffer): Promise<RootKeys> {
  const document = parseDocument(objectBytes);
  const rightForm = document.purpose === 'root' && document.kdf === rootKdf && document.salt.length === 16;
  if (!rightForm) throw corrupted('it is not a root document');
  if (!isAcceptable(document.iterations)) {
    throw new Failure('hostile_keyring', {
      iterations: document.iterations,
      least: leastIterations,
      most: mostIterations,
    });
  }
  checkChecksum(document);
  const wrappingKey = await passwordKey(password, document.salt, document.iterations);
  const plaintext = unwrap(document, wrappingKey);
  if (plaintext === undefined) throw new Failure('wrong_password');
  const { master, naming, pathId, payload } = parseCanonical(plaintext, rootPlaintext);
  if (new Set(payload.map(({ id }) => text(id))).size !== payload.length) {
    throw corrupted('a payload key id occurs twice');
  }
  return {
    repositoryId: document.repository,
    generation: document.generation,
    keyId: document.keyId,
    master,
    naming,
    pathId,
    payload,
  };
}

/** Draws a key for the scope and wraps it under the root. `objectKey` is without prefix. */
export function createScopeKey(
  root: RootKeys,
  scopeName: string,
): { objectKey: string; objectBytes: Buffer; key: SealingKey } {
  const scope = scopeId(root, scopeName);
  const key: SealingKey = { id: randomBytes(16), secret: randomBytes(secretBytes) };
  const objectBytes = wrapDocument(
    {
      v: 1,
      repository: root.repositoryId,
      keyId: key.id,
      purpose: `scope/${scope}`,
      generation: root.generation,
      kdf: scopeKdf,
      iterations: 0,
      salt: Buffer.alloc(0),
    },
    key.secret,
    scopeWrappingKey(root),
  );
  return { objectKey: scopeObjectKey(scope, key.id), objectBytes, key };
}

/**
 * Opens a scope key document of the root's repository. The caller compares scope and key id with the object's name.
 * Throws Failure `corrupted_keyring` or `unsupported_format`.
 */
export function openScopeKey(root: RootKeys, objectBytes: Buffer): { scopeId: Id; key: SealingKey } {
  const document = parseDocument(objectBytes);
  const scope = scopeOf(document);
  checkChecksum(document);
  if (document.repository !== root.repositoryId) throw corrupted('it belongs to another repository');
  const secret = unwrap(document, scopeWrappingKey(root));
  if (secret === undefined) throw corrupted('the root does not open it');
  if (secret.length !== secretBytes) throw corrupted('its key has another length');
  return { scopeId: scope, key: { id: document.keyId, secret } };
}

function scopeOf(document: KeyringDocument): Id {
  const scope = /^scope\/([0-9a-f]{32})$/.exec(document.purpose)?.[1];
  const rightForm = document.kdf === scopeKdf && document.iterations === 0 && document.salt.length === 0;
  if (scope === undefined || !rightForm) throw corrupted('it is not a scope key document');
  return scope;
}

function isAcceptable(iterations: number): boolean {
  return iterations >= leastIterations && iterations <= mostIterations;
}

const derive = promisify(pbkdf2);

function passwordKey(password: Buffer, salt: Buffer, iterations: number): Promise<Buffer> {
  return derive(password, salt, iterations, 32, 'sha256');
}

function scopeWrappingKey(root: RootKeys): Buffer {
  return expand(root.master, Buffer.from('holdfast/1/wrap', 'latin1'), 32);
}

function text(bytes: Buffer): string {
  return bytes.toString('base64url');
}
