import { randomBytes } from 'node:crypto';
import { Failure } from '../domain/failures.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import type { ScopeKey } from '../sealed/keyring.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { type NamingRoot, objectKey, packName } from '../sealed/names.ts';

/** The parts of an opened keyring that sealing and opening need. */
export interface KeyringView {
  readonly root: NamingRoot;
  /** Every key of each scope; the last one seals. */
  readonly scopes: ReadonlyMap<string, readonly Pick<ScopeKey, 'key'>[]>;
}

/** The opened keyring, as the pipeline and restore use it. */
export class RepositoryKeys implements KeyAccess {
  private readonly keyring: KeyringView;
  private readonly byHex: ReadonlyMap<string, { scope: string; key: SealingKey }>;
  private shredding: ReadonlySet<string> = new Set();
  private readonly lost = new Map<string, SealingKey>();

  constructor(keyring: KeyringView) {
    this.keyring = keyring;
    this.byHex = new Map(
      [...keyring.scopes].flatMap(([scope, keys]) =>
        keys.map(({ key }) => [key.id.toString('hex'), { scope, key }] as const),
      ),
    );
  }

  /** Scopes that are or were shredded: keys that are left still open what they sealed, but seal no content any more. */
  refuseSealing(scopes: ReadonlySet<string>): void {
    this.shredding = scopes;
  }

  sealingKey(scope: string): SealingKey {
    if (this.shredding.has(scope)) throw new Failure('scope_shredding', { scope });
    const last = this.keyring.scopes.get(scope)?.at(-1);
    if (last === undefined) throw new Failure('unknown_scope', { scope });
    return last.key;
  }

  /**
   * The key for rows of manifests: they name what is sealed under a scope, so they go the way of its content. For a scope whose
   * keys are gone it is one that nobody keeps.
   */
  manifestKey(scope: string): SealingKey {
    const last = this.keyring.scopes.get(scope)?.at(-1);
    if (last !== undefined) return last.key;
    if (!this.shredding.has(scope)) throw new Failure('unknown_scope', { scope });
    const thrownAway = this.lost.get(scope) ?? { id: randomBytes(16), secret: randomBytes(64) };
    this.lost.set(scope, thrownAway);
    return thrownAway;
  }

  byId(keyId: Buffer): SealingKey | undefined {
    return this.byHex.get(keyId.toString('hex'))?.key;
  }

  scopeOf(keyId: Buffer): string | undefined {
    return this.byHex.get(keyId.toString('hex'))?.scope;
  }

  objectKey(object: { prefix: string; scope: string; sha512: Buffer; iv: Buffer }): string {
    return objectKey({ ...object, root: this.keyring.root });
  }

  packName(scope: string, ivs: readonly Buffer[]): string {
    return packName(this.keyring.root, scope, ivs);
  }
}
