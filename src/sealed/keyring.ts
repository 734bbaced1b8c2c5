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
  ordinal,
  parseCanonical,
  parseDocument,
  text,
  unwrap,
  wrapDocument,
} from './keyring-document.ts';
import { expand, type SealingKey } from './keys.ts';
import { isScopeName, scopeId, scopeObjectKey } from './names.ts';

/** A key for what passes through Temporal. */
export interface PayloadKey {
  /** 16 bytes. */
  readonly id: Buffer;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** A key that wraps scope keys. */
export interface MasterKey {
  /** 16 bytes. */
  readonly id: Buffer;
  /** 64 bytes. */
  readonly key: Buffer;
}

/** What every holder's root document wraps. `naming` and `pathId` are 64 bytes each and never change. */
export interface RootSecrets {
  /** At least one; the last wraps, all unwrap. */
  readonly masters: readonly MasterKey[];
  readonly naming: Buffer;
  readonly pathId: Buffer;
  /** At least one; the last encrypts, all decrypt. */
  readonly payload: readonly PayloadKey[];
}

/** The repository's root as one document holds it. */
export interface RootKeys extends RootSecrets {
  readonly repositoryId: Id;
  readonly generation: number;
  /** Whose password opens the document: `owner`, `recovery-kit`, or another name. */
  readonly holder: string;
}

/** What a root document says of itself without its password. Only opening it is evidence. */
export interface RootHeader {
  readonly repositoryId: Id;
  readonly generation: number;
  readonly holder: string;
  /** Id of the last master key: documents with the same one wrap the same secrets. */
  readonly keyId: Id;
  readonly iterations: number;
}

/** A key of a scope, as its document holds it. */
export interface ScopeKey {
  readonly name: string;
  readonly scopeId: Id;
  /** Which key of the scope this is; the highest number seals. */
  readonly number: number;
  readonly key: SealingKey;
}

const leastIterations = 600_000;
const mostIterations = 10_000_000;
const rootKdf = 'pbkdf2-hmac-sha256';
const scopeKdf = 'holdfast-wrap';
const secretBytes = 64;

const rootPlaintext = z.strictObject({
  masters: z.array(z.strictObject({ id: binary(16), key: binary(secretBytes) })).min(1),
  naming: binary(secretBytes),
  pathId: binary(secretBytes),
  payload: z.array(z.strictObject({ id: binary(16), key: binary(32) })).min(1),
});

const scopePlaintext = z.strictObject({
  name: text.refine(isScopeName),
  number: ordinal,
  key: binary(secretBytes),
});

/** Secrets of a new repository. */
export function drawSecrets(): RootSecrets {
  return {
    masters: [drawMaster()],
    naming: randomBytes(secretBytes),
    pathId: randomBytes(secretBytes),
    payload: [drawPayloadKey()],
  };
}

export function drawMaster(): MasterKey {
  return { id: randomBytes(16), key: randomBytes(secretBytes) };
}

export function drawPayloadKey(): PayloadKey {
  return { id: randomBytes(16), key: randomBytes(32) };
}

/**
 * Wraps the root under `password` (at least one byte): a document of its generation. `iterations` is 600,000 (default) to
 * 10,000,000. Throws Failure `empty_password`.
 */
export async function wrapRoot(
  root: RootKeys,
  password: Buffer,
  iterations: number = leastIterations,
): Promise<Buffer> {
  if (password.length === 0) throw new Failure('empty_password');
  if (!isAcceptable(iterations)) throw new RangeError('iterations outside the format');
  const salt = randomBytes(16);
  return wrapDocument(
    {
      v: 1,
      repository: root.repositoryId,
      keyId: lastMaster(root).id,
      purpose: 'root',
      generation: root.generation,
      holder: root.holder,
      kdf: rootKdf,
      iterations,
      salt,
    },
    canonical({
      masters: root.masters.map(encodeKey),
      naming: encode(root.naming),
      pathId: encode(root.pathId),
      payload: root.payload.map(encodeKey),
    }),
    await passwordKey(password, salt, iterations),
  );
}

/** Reads what a root document says of itself; derives no key. Failures as {@link openRoot}, but `wrong_password`. */
export function readRootHeader(objectBytes: Buffer): RootHeader {
  const { repository, generation, holder, keyId, iterations } = parseRoot(objectBytes);
  return { repositoryId: repository, generation, holder, keyId: keyId.toString('hex'), iterations };
}

/** What a document of either kind says of itself; derives no key. Failure `corrupted_keyring` or `unsupported_format`. */
export function keyringFacts(objectBytes: Buffer): { id: Id; purpose: string; generation: number } {
  const document = parseDocument(objectBytes);
  checkChecksum(document);
  return {
    id: document.keyId.toString('hex'),
    purpose: document.purpose,
    generation: document.generation,
  };
}

/**
 * Opens a root document. The caller compares `generation` and `repositoryId` with what it meant to open.
 * Throws Failure `wrong_password`, `corrupted_keyring`, `hostile_keyring` or `unsupported_format`; only the first after a
 * key was derived from the password.
 */
export async function openRoot(objectBytes: Buffer, password: Buffer): Promise<RootKeys> {
  const document = parseRoot(objectBytes);
  const wrappingKey = await passwordKey(password, document.salt, document.iterations);
  const plaintext = unwrap(document, wrappingKey);
  if (plaintext === undefined) throw new Failure('wrong_password');
  const secrets = parseCanonical(plaintext, rootPlaintext);
  refuseRepeated(secrets.masters, 'a master key id occurs twice');
  refuseRepeated(secrets.payload, 'a payload key id occurs twice');
  if (!lastMaster(secrets).id.equals(document.keyId)) throw corrupted('it names another master key');
  return {
    repositoryId: document.repository,
    generation: document.generation,
    holder: document.holder,
    ...secrets,
  };
}

/** Draws a key for the scope and wraps it under the root. `objectKey` is without prefix. */
export function createScopeKey(
  root: RootKeys,
  name: string,
  number: number,
): { objectKey: string; objectBytes: Buffer; key: SealingKey } {
  const scope = scopeId(root, name);
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
    canonical({ name, number, key: encode(key.secret) }),
    scopeWrappingKey(lastMaster(root)),
  );
  return { objectKey: scopeObjectKey(scope, key.id), objectBytes, key };
}

/**
 * Opens a scope key document of the root's repository. The caller compares scope and key id with the object's name.
 * `newer`: it was wrapped under a keyring that is newer than the root. Throws Failure `corrupted_keyring` or
 * `unsupported_format`.
 */
export function openScopeKey(root: RootKeys, objectBytes: Buffer): ScopeKey | 'newer' {
  const document = parseDocument(objectBytes);
  const scope = scopeOf(document);
  checkChecksum(document);
  if (document.repository !== root.repositoryId) throw corrupted('it belongs to another repository');
  const plaintext = unwrapWithAny(document, root.masters);
  if (plaintext === undefined) {
    if (document.generation > root.generation) return 'newer';
    throw corrupted('the root does not open it');
  }
  const { name, number, key } = parseCanonical(plaintext, scopePlaintext);
  if (scopeId(root, name) !== scope) throw corrupted('it names another scope');
  return { name, scopeId: scope, number, key: { id: document.keyId, secret: key } };
}

function unwrapWithAny(document: KeyringDocument, masters: readonly MasterKey[]): Buffer | undefined {
  for (const master of masters.toReversed()) {
    const plaintext = unwrap(document, scopeWrappingKey(master));
    if (plaintext !== undefined) return plaintext;
  }
  return undefined;
}

function parseRoot(objectBytes: Buffer): KeyringDocument & { readonly holder: string } {
  const document = parseDocument(objectBytes);
  const { purpose, holder, kdf, salt, iterations } = document;
  if (purpose !== 'root' || holder === undefined || kdf !== rootKdf || salt.length !== 16)
    throw corrupted('it is not a root document');
  if (!isAcceptable(iterations)) {
    throw new Failure('hostile_keyring', { iterations, least: leastIterations, most: mostIterations });
  }
  checkChecksum(document);
  return { ...document, holder };
}

function scopeOf({ purpose, holder, kdf, iterations, salt }: KeyringDocument): Id {
  const scope = /^scope\/([0-9a-f]{32})$/.exec(purpose)?.[1];
  const rightForm = kdf === scopeKdf && iterations === 0 && salt.length === 0 && holder === undefined;
  if (scope === undefined || !rightForm) throw corrupted('it is not a scope key document');
  return scope;
}

function isAcceptable(iterations: number): boolean {
  return iterations >= leastIterations && iterations <= mostIterations;
}

function refuseRepeated(keys: readonly { readonly id: Buffer }[], detail: string): void {
  if (new Set(keys.map(({ id }) => encode(id))).size !== keys.length) throw corrupted(detail);
}

/** The master key that wraps new scope keys. */
export function lastMaster({ masters }: Pick<RootSecrets, 'masters'>): MasterKey {
  const last = masters.at(-1);
  if (last === undefined) throw new TypeError('a root without master key');
  return last;
}

const derive = promisify(pbkdf2);

function passwordKey(password: Buffer, salt: Buffer, iterations: number): Promise<Buffer> {
  return derive(password, salt, iterations, 32, 'sha256');
}

function scopeWrappingKey(master: MasterKey): Buffer {
  return expand(master.key, Buffer.from('holdfast/1/wrap', 'latin1'), 32);
}

const encodeKey = ({ id, key }: { readonly id: Buffer; readonly key: Buffer }) => ({
  id: encode(id),
  key: encode(key),
});

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}
