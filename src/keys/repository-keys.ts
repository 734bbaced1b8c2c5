import { Failure } from '../domain/failures.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import type { ScopeKey } from '../sealed/keyring.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { type NamingRoot, objectKey } from '../sealed/names.ts';

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

  constructor(keyring: KeyringView) {
    this.keyring = keyring;
    this.byHex = new Map(
      [...keyring.scopes].flatMap(([scope, keys]) =>
        keys.map(({ key }) => [key.id.toString('hex'), { scope, key }] as const),
      ),
    );
  }

  /** Scopes that are being shredded: their keys still open what they sealed, but seal nothing more. */
  refuseSealing(scopes: ReadonlySet<string>): void {
    this.shredding = scopes;
  }

  sealingKey(scope: string): SealingKey {
    if (this.shredding.has(scope)) throw new Failure('scope_shredding', { scope });
    const last = this.keyring.scopes.get(scope)?.at(-1);
    if (last === undefined) throw new Failure('unknown_scope', { scope });
    return last.key;
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
}
