import { Failure } from '../domain/failures.ts';
import type { KeyAccess } from '../pipeline/keys.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { objectKey } from '../sealed/names.ts';
import type { Keyring } from './keyring-files.ts';

/** The opened keyring, as the pipeline and restore use it. */
export class RepositoryKeys implements KeyAccess {
  private readonly keyring: Keyring;
  private readonly byHex: ReadonlyMap<string, { scope: string; key: SealingKey }>;

  constructor(keyring: Keyring) {
    this.keyring = keyring;
    this.byHex = new Map([...keyring.scopes].map(([scope, key]) => [key.id.toString('hex'), { scope, key }]));
  }

  sealingKey(scope: string): SealingKey {
    const key = this.keyring.scopes.get(scope);
    if (key === undefined) throw new Failure('unknown_scope', { scope });
    return key;
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
