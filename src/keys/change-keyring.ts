import {
  drawMaster,
  drawPayloadKey,
  type PayloadKey,
  type RootKeys,
  type RootSecrets,
  readRootHeader,
} from '../sealed/keyring.ts';
import { prefixed, rootObjectKey } from '../sealed/names.ts';
import type { LockDays, ObjectStore } from '../storage/object-store.ts';
import { rootDocument, scopeDocument } from './create-keyring.ts';
import { type KeyringDocument, removeDocument, repositoryScope, writeDocument } from './keyring-files.ts';
import type { Keyring } from './open-keyring.ts';
import { publishKeyring } from './publish.ts';

/** One destination, as far as the keyring in it is concerned. */
export interface KeyringPlace {
  readonly store: ObjectStore;
  readonly prefix: string;
  /** How data is locked there, and the root with it. */
  readonly lock: LockDays;
}

/** A keyring that may be changed: it is current, and all of its documents are sound. */
export interface OpenKeyring {
  readonly home: string;
  readonly documents: readonly KeyringDocument[];
  readonly keyring: Keyring;
  readonly places: readonly KeyringPlace[];
}

/** Documents that come, and names of those whose place they take. */
export interface KeyringChange {
  readonly added: readonly KeyringDocument[];
  readonly retired: readonly string[];
}

/**
 * Makes a change: first in every destination, then in the state folder, so that a key is never used before everybody
 * who has the bucket can read what it seals. Safe to repeat. Failures: the stores', `keyring_name_taken`.
 */
export async function applyChange({ home, places }: OpenKeyring, change: KeyringChange): Promise<void> {
  for (const { store, prefix, lock } of places) await publishKeyring(store, prefix, change.added, lock);
  for (const document of change.added) await writeDocument(home, document);
  for (const name of change.retired) await removeDocument(home, name);
}

/** A new key for each of the scopes, which seals from now on; for a scope without keys the first one. */
export function newScopeKeys(
  keyring: Pick<Keyring, 'scopes'>,
  root: RootKeys,
  scopes: readonly string[],
): KeyringChange {
  const added = scopes.map((scope) => {
    const last = keyring.scopes.get(scope)?.at(-1)?.number ?? 0;
    return scopeDocument(root, scope, last + 1);
  });
  return { added, retired: [] };
}

/** Every scope that holds keys, the repository's own first. */
export const scopesOf = (keyring: Keyring): string[] => [
  repositoryScope,
  ...[...keyring.scopes.keys()].filter((scope) => scope !== repositoryScope).sort(),
];

/** The root wrapped under a password of the holder, in place of the holder's documents so far. */
export async function newRoot(
  open: OpenKeyring,
  root: RootSecrets,
  holder: string,
  password: Buffer,
): Promise<KeyringChange & { root: RootKeys }> {
  const { repositoryId } = open.keyring.root;
  const made: RootKeys = { ...root, repositoryId, holder, generation: await nextGeneration(open) };
  const document = await rootDocument(made, password);
  return { root: made, added: [document], retired: rootsOf(open.documents, holder) };
}

/** Names of the root documents of a holder. */
export function rootsOf(documents: readonly KeyringDocument[], holder: string): string[] {
  return documents
    .filter(({ name, bytes }) => name.startsWith('keys/root/') && readRootHeader(bytes).holder === holder)
    .map(({ name }) => name);
}

/** The same secrets with a new master key, as every change of a secret asks for: docs/format.md section 3.2. */
export function withNewMaster(root: RootSecrets): RootSecrets {
  return { ...root, masters: [...root.masters, drawMaster()] };
}

/**
 * Two roots to be taken one after the other. With the first everybody knows the new payload key and still encrypts with the
 * old one; with the second the new one encrypts. So nobody meets a payload they cannot read.
 */
export function withNewPayloadKey(root: RootSecrets): readonly [RootSecrets, RootSecrets] {
  const key: PayloadKey = drawPayloadKey();
  const changed = withNewMaster(root);
  return [
    { ...changed, payload: [key, ...root.payload] },
    { ...changed, payload: [...root.payload, key] },
  ];
}

/** The first generation above those in the state folder under whose name nothing lies in any destination. */
async function nextGeneration({ documents, places }: OpenKeyring): Promise<number> {
  const known = documents
    .filter(({ name }) => name.startsWith('keys/root/'))
    .map(({ name }) => Number(name.slice(-8)));
  for (let generation = Math.max(0, ...known) + 1; ; generation++) {
    if (await isFree(places, rootObjectKey(generation))) return generation;
  }
}

async function isFree(places: readonly KeyringPlace[], name: string): Promise<boolean> {
  for (const { store, prefix } of places) {
    if ((await store.versionsOf(prefixed(prefix, name))).length > 0) return false;
  }
  return true;
}
