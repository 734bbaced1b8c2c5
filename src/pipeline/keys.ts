import type { Id } from '../domain/records.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { publicRandom } from './random.ts';

/** The repository's keys as the steps need them. */
export interface KeyAccess {
  /** The key that seals new content of a scope. Failure `unknown_scope` if there is none. */
  sealingKey(scope: string): SealingKey;
  /** A key by the id a footer names; undefined if this host does not have it. */
  byId(keyId: Buffer): SealingKey | undefined;
  /** The scope a key belongs to; undefined for an unknown key. */
  scopeOf(keyId: Buffer): string | undefined;
  /** Object name for a content sealed under a scope, with the destination's prefix. */
  objectKey(object: { prefix: string; scope: string; sha512: Buffer; iv: Buffer }): string;
  /** Name of the content pack whose members have these IVs, in order; without prefix. */
  packName(scope: string, ivs: readonly Buffer[]): string;
}

export const newIv = (): Buffer => publicRandom(16);
export const keyIdOf = (key: SealingKey): Id => key.id.toString('hex');
