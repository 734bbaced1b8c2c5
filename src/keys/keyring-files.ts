import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { createRoot, createScopeKey, openRoot, openScopeKey, type RootKeys } from '../sealed/keyring.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { rootObjectKey, scopeId } from '../sealed/names.ts';

/** Seals what belongs to the repository itself: manifests' heads and indexes. No content; it cannot be shredded. */
export const repositoryScope = 'holdfast';

/** The key scopes a repository has from the start: its own, and those that the default policy data names. */
const scopeNames = [repositoryScope, 'default', 'restricted'] as const;

/** A keyring document as it lies in the state folder and, under the same name, in the bucket. */
export interface KeyringDocument {
  /** Object name without the destination's prefix, e.g. `keys/root/00000001`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** What the catalog may know of a document. */
export interface KeyFacts {
  readonly id: Id;
  readonly purpose: string;
  readonly generation: number;
  readonly objectKey: string;
}

export function keyFacts(documents: readonly KeyringDocument[]): KeyFacts[] {
  return documents.map(({ name, bytes }) => {
    const { keyId, purpose, generation } = JSON.parse(bytes.toString('utf8'));
    return { id: keyId, purpose, generation, objectKey: name };
  });
}

/** What a password opens. */
export interface Keyring {
  readonly root: RootKeys;
  /** Sealing keys by scope name. */
  readonly scopes: ReadonlyMap<string, SealingKey>;
}

/** Makes the keyring of a new repository in the state folder. Failure `empty_password`. */
export async function createKeyring(home: string, repositoryId: Id, password: Buffer): Promise<void> {
  const { objectBytes, root } = await createRoot(password, { repositoryId, generation: 1 });
  const scopes = scopeNames.map((name) => createScopeKey(root, name));
  for (const [name, bytes] of [
    [rootObjectKey(1), objectBytes],
    ...scopes.map((scope) => [scope.objectKey, scope.objectBytes] as const),
  ] as const) {
    const file = join(home, name);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, bytes, { mode: 0o600, flag: 'wx' });
  }
}

/** All documents of the keyring in the state folder. Failure `keyring_missing`. */
export async function keyringDocuments(home: string): Promise<KeyringDocument[]> {
  let names: string[];
  try {
    names = await readdir(join(home, 'keys'), { recursive: true });
  } catch (error) {
    throw new Failure('keyring_missing', { folder: join(home, 'keys') }, { cause: error });
  }
  const wanted = names
    .filter((name) => /^(root\/\d{8}|scope\/[0-9a-f]{32}\/[0-9a-f]{32})$/.test(name))
    .sort();
  return Promise.all(
    wanted.map(async (name) => ({ name: `keys/${name}`, bytes: await readFile(join(home, 'keys', name)) })),
  );
}

/**
 * Opens the keyring with the password. Failures, all exit code 6: `wrong_password`, `corrupted_keyring`,
 * `hostile_keyring`, `keyring_missing`.
 */
export async function openKeyring(
  documents: readonly KeyringDocument[],
  repositoryId: Id,
  password: Buffer,
): Promise<Keyring> {
  const newest = documents.filter(({ name }) => name.startsWith('keys/root/')).at(-1);
  if (newest === undefined) throw new Failure('keyring_missing', { folder: 'keys/root' });
  const root = await openRoot(newest.bytes, password);
  if (root.repositoryId !== repositoryId)
    throw new Failure('corrupted_keyring', { detail: 'it belongs to another repository' });
  const opened = documents
    .filter(({ name }) => name.startsWith('keys/scope/'))
    .map(({ name, bytes }) => {
      const scope = openScopeKey(root, bytes);
      if (name !== `keys/scope/${scope.scopeId}/${scope.key.id.toString('hex')}`) {
        throw new Failure('corrupted_keyring', { detail: 'a scope key lies under the name of another' });
      }
      return scope;
    });
  const scopes = new Map<string, SealingKey>();
  for (const name of scopeNames) {
    const found = opened.find((scope) => scope.scopeId === scopeId(root, name));
    if (found !== undefined) scopes.set(name, found.key);
  }
  return { root, scopes };
}
