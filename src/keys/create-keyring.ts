import type { Id } from '../domain/records.ts';
import { createScopeKey, drawSecrets, type RootKeys, wrapRoot } from '../sealed/keyring.ts';
import { rootObjectKey } from '../sealed/names.ts';
import { type KeyringDocument, repositoryScope, writeDocument } from './keyring-files.ts';
import { kitHolder, ownerHolder } from './open-keyring.ts';
import { drawRecoveryKey } from './recovery-key.ts';

/** The key scopes a repository has from the start: its own, and those that the default policy data names. */
const scopeNames = [repositoryScope, 'default', 'restricted'] as const;

/**
 * Makes the keyring of a new repository in the state folder and gives its recovery key, which is kept nowhere. Failure
 * `empty_password`.
 */
export async function createKeyring(
  home: string,
  repositoryId: Id,
  password: Buffer,
): Promise<{ readonly recoveryKey: string }> {
  const { shown: recoveryKey, password: recoveryPassword } = drawRecoveryKey();
  const owner: RootKeys = { repositoryId, generation: 1, holder: ownerHolder, ...drawSecrets() };
  const documents: KeyringDocument[] = [
    await rootDocument(owner, password),
    await rootDocument({ ...owner, generation: 2, holder: kitHolder }, recoveryPassword),
    ...scopeNames.map((name) => scopeDocument(owner, name, 1)),
  ];
  for (const document of documents) await writeDocument(home, document);
  return { recoveryKey };
}

export async function rootDocument(root: RootKeys, password: Buffer): Promise<KeyringDocument> {
  return { name: rootObjectKey(root.generation), bytes: await wrapRoot(root, password) };
}

export function scopeDocument(root: RootKeys, scope: string, number: number): KeyringDocument {
  const { objectKey, objectBytes } = createScopeKey(root, scope, number);
  return { name: objectKey, bytes: objectBytes };
}
