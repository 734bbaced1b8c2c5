/** Object names and derived identifiers: docs/format.md sections 2 and 3.4. */
import { createHmac, createSecretKey } from 'node:crypto';
import { canonicalText } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import { expand, keyObject } from './keys.ts';

/** The root key that names are made from: 64 bytes. */
export interface NamingRoot {
  readonly naming: Buffer;
}

/** How an object's name hides its content: keyed per scope, or the bare SHA-512. */
export type Naming = 'keyed' | 'plain';

/** Full object name of a sealed file. `prefix` may be empty; `sha512` is the content's, 64 bytes; `iv` the sealing's, 16 bytes. */
export function objectKey(o: {
  readonly prefix: string;
  readonly root: NamingRoot;
  readonly scope: string;
  readonly sha512: Buffer;
  readonly iv: Buffer;
  readonly naming?: Naming;
}): string {
  const hash =
    o.naming === 'plain'
      ? o.sha512
      : createHmac('sha512', createSecretKey(scopeNamingKey(o.root, o.scope)))
          .update(o.sha512)
          .digest();
  return prefixed(o.prefix, `objects/${hash.toString('hex')}-${o.iv.toString('hex')}`);
}

/** Name of a content pack, without prefix: its members' IVs in order, 16 bytes each, under the scope they all have. */
export function packName(root: NamingRoot, scope: string, ivs: readonly Buffer[]): string {
  const mac = createHmac('sha256', createSecretKey(scopeNamingKey(root, scope)));
  for (const iv of ivs) mac.update(iv);
  return `packs/${mac.digest('hex')}`;
}

/** `name` below `prefix`, or alone when the prefix is empty. */
export function prefixed(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Name of a root keyring document, without prefix. `generation` is 1 to 99,999,999. */
export function rootObjectKey(generation: number): string {
  return `keys/root/${String(generation).padStart(8, '0')}`;
}

/** Name of a scope key document, without prefix. */
export function scopeObjectKey(scope: Id, keyId: Buffer): string {
  return `keys/scope/${scope}/${keyId.toString('hex')}`;
}

/** Whether a key scope may have this name: 1 to 255 bytes of well-formed UTF-8. */
export function isScopeName(name: string): boolean {
  return name.isWellFormed() && name.length > 0 && Buffer.byteLength(name) <= 255;
}

/** The public id of a key scope: it says nothing about the scope's name without the naming key. */
export function scopeId(root: NamingRoot, scopeName: string): Id {
  return shortMac(root.naming, scopeName);
}

/** Id from the root's path-id key and a business key, e.g. `['event', subject, 'upload', 'eu', 0]`. */
export function deriveId(
  pathIdKey: Buffer,
  parts: readonly [kind: string, ...rest: (string | number)[]],
): Id {
  return shortMac(pathIdKey, canonicalText(parts));
}

function scopeNamingKey(root: NamingRoot, scope: string): Buffer {
  return expand(root.naming, Buffer.from(`holdfast/1/naming${scope}`, 'utf8'), 64);
}

function shortMac(key: Buffer, message: string): Id {
  return createHmac('sha256', keyObject(key)).update(message).digest('hex').slice(0, 32);
}
