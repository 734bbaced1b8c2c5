import { isFailure } from '../domain/failures.ts';
import type { KeyringDocument } from '../keys/keyring-files.ts';
import type { Keyring } from '../keys/open-keyring.ts';
import { openScopeKey, readRootHeader } from '../sealed/keyring.ts';
import { rootObjectKey, scopeObjectKey } from '../sealed/names.ts';
import { hostPublicKeys } from '../write-only/host-keys.ts';

/**
 * The documents of the bucket that the state folder lacks and that belong to the opened keyring. Of several versions of one
 * name the oldest that does: what was planted came later.
 *
 * A scope key is proved by opening it, a write-only host by its MAC; another holder's root document only by naming a master key of this keyring.
 */
export function missingDocuments(
  found: readonly KeyringDocument[],
  local: readonly KeyringDocument[],
  keyring: Keyring,
): KeyringDocument[] {
  const missing = new Map<string, KeyringDocument>();
  const present = new Set(local.map(({ name }) => name));
  for (const document of found) {
    const { name } = document;
    if (!present.has(name) && !missing.has(name) && belongs(document, keyring)) missing.set(name, document);
  }
  return [...missing.values()];
}

function belongs({ name, bytes }: KeyringDocument, { root }: Keyring): boolean {
  try {
    if (name.startsWith('keys/root/')) {
      const { repositoryId, generation, keyId } = readRootHeader(bytes);
      const isKnownMaster = root.masters.some(({ id }) => id.toString('hex') === keyId);
      return repositoryId === root.repositoryId && name === rootObjectKey(generation) && isKnownMaster;
    }
    if (name.startsWith('keys/host/')) return hostPublicKeys([{ name, bytes }], root).size === 1;
    const scope = openScopeKey(root, bytes);
    return scope !== 'newer' && name === scopeObjectKey(scope.scopeId, scope.key.id);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return false;
  }
}
