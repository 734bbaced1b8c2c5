import type { Id } from '../domain/records.ts';
import { keyringFacts, lastMaster, readRootHeader } from '../sealed/keyring.ts';
import { prefixed } from '../sealed/names.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { KeyringDocument } from './keyring-files.ts';
import type { Keyring } from './open-keyring.ts';
import { publishedDocuments, scopeIdOf } from './publish.ts';

/** How a document lies in one destination. */
export interface DocumentPlace {
  readonly destination: string;
  readonly isThere: boolean;
  readonly lockedUntil: Date | undefined;
}

interface Listed {
  readonly name: string;
  readonly generation: number;
  readonly places: readonly DocumentPlace[];
}

export interface ListedRoot extends Listed {
  readonly purpose: 'root';
  readonly holder: string;
  /** Whether it wraps the newest keys. */
  readonly isCurrent: boolean;
}

export interface ListedScopeKey extends Listed {
  readonly purpose: 'scope';
  readonly scope: string;
  readonly scopeId: Id;
  readonly number: number;
  /** Whether it seals new content. */
  readonly seals: boolean;
}

export type ListedDocument = ListedRoot | ListedScopeKey;

export interface ListedPlace {
  readonly name: string;
  readonly store: ObjectStore;
  readonly prefix: string;
}

/** Every document of the keyring, and how each destination has it: roots first, then scopes by name, each in order of age. */
export async function keyringInventory(
  { documents, keyring }: { readonly documents: readonly KeyringDocument[]; readonly keyring: Keyring },
  places: readonly ListedPlace[],
): Promise<ListedDocument[]> {
  const published = await Promise.all(
    places.map(async ({ name, store, prefix }) => ({
      name,
      documents: await publishedDocuments(store, prefix, documents),
    })),
  );
  const placesOf = (name: string): DocumentPlace[] =>
    published.map((place) => {
      const found = place.documents.find((document) => document.name === name);
      return {
        destination: place.name,
        isThere: found?.versionId !== undefined,
        lockedUntil: found?.lock?.retainUntil,
      };
    });
  const roots = documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .map(({ name, bytes }): ListedRoot => {
      const { holder, generation, keyId } = readRootHeader(bytes);
      const isCurrent = keyId === lastMaster(keyring.root).id.toString('hex');
      return { name, purpose: 'root', holder, generation, isCurrent, places: placesOf(name) };
    });
  const generations = new Map(documents.map(({ name, bytes }) => [name, keyringFacts(bytes).generation]));
  const scopes = [...keyring.scopes.values()].flatMap((keys) =>
    keys.map((key, i): ListedScopeKey => {
      const name = `keys/scope/${key.scopeId}/${key.key.id.toString('hex')}`;
      return {
        name,
        purpose: 'scope',
        scope: key.name,
        scopeId: scopeIdOf(name),
        number: key.number,
        generation: generations.get(name) ?? 0,
        seals: i === keys.length - 1,
        places: placesOf(name),
      };
    }),
  );
  return [
    ...roots,
    ...scopes.sort((a, b) => (a.scope < b.scope ? -1 : a.scope > b.scope ? 1 : a.number - b.number)),
  ];
}

/** Names of root documents in a destination that this machine does not have: another machine's, replaced ones, or planted. */
export async function unknownRoots(
  documents: readonly KeyringDocument[],
  { store, prefix }: ListedPlace,
): Promise<string[]> {
  const known = new Set(documents.map(({ name }) => prefixed(prefix, name)));
  const found = new Set<string>();
  for await (const { key, isDeleteMarker } of store.listVersions(prefixed(prefix, 'keys/root/'))) {
    if (!isDeleteMarker && !known.has(key)) found.add(key.slice(prefix === '' ? 0 : prefix.length + 1));
  }
  return [...found];
}
