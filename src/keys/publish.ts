import { Failure } from '../domain/failures.ts';
import type { Id, Lock } from '../domain/records.ts';
import { readRootHeader } from '../sealed/keyring.ts';
import { prefixed } from '../sealed/names.ts';
import type { LockDays, ObjectStore } from '../storage/object-store.ts';
import type { KeyringDocument } from './keyring-files.ts';

/** Scope keys are locked for so long and renewed while the scope lives, so that shredding one is possible. */
const scopeLock: LockDays = { mode: 'GOVERNANCE', days: 60 };
const dayMs = 86_400_000;
/** How much of a lock may pass before it is renewed: a week, or a seventh of a short one. */
const renewAfterMs = ({ days }: LockDays): number => Math.min(7, days / 7) * dayMs;

/** A document as one destination has it. */
export interface PublishedDocument {
  readonly name: string;
  /** The version that holds exactly the document's bytes; undefined where there is none. */
  readonly versionId: string | undefined;
  /** Its lock; undefined also where the version has none. */
  readonly lock: Lock | undefined;
}

/**
 * The documents that belong into every destination: each holder's newest root, and the keys of scopes that are not being
 * shredded. What is left out is not renewed, so that it can be deleted once its lock has ended.
 */
export function documentsToKeep(
  documents: readonly KeyringDocument[],
  shreddingScopes: ReadonlySet<Id>,
): KeyringDocument[] {
  const newest = new Map<string, KeyringDocument>();
  for (const document of documents.filter(isRoot)) {
    const { holder, generation } = readRootHeader(document.bytes);
    const other = newest.get(holder);
    if (other === undefined || readRootHeader(other.bytes).generation < generation)
      newest.set(holder, document);
  }
  const roots = new Set(newest.values());
  return documents.filter((document) =>
    isRoot(document) ? roots.has(document) : !shreddingScopes.has(scopeIdOf(document.name)),
  );
}

/**
 * Makes sure that the bucket holds every one of these documents, unaltered and locked: root and hosts like data, scope keys for 60 days,
 * all rolled forward weekly. Without them nothing in the bucket can be read, so this comes before any upload.
 * Failure `keyring_name_taken` when other bytes lie under the name of one that is not there yet.
 */
export async function publishKeyring(
  store: ObjectStore,
  prefix: string,
  documents: readonly KeyringDocument[],
  rootLock: LockDays,
): Promise<void> {
  for (const document of documents) {
    const key = prefixed(prefix, document.name);
    const lock = document.name.startsWith('keys/scope/') ? scopeLock : rootLock;
    const versionId = await presentVersion(store, key, document.bytes);
    if (versionId !== undefined) await renew(store, { key, versionId }, lock);
    else await put(store, key, document, lock);
  }
}

/** How one destination holds the documents. */
export async function publishedDocuments(
  store: ObjectStore,
  prefix: string,
  documents: readonly KeyringDocument[],
): Promise<PublishedDocument[]> {
  return Promise.all(
    documents.map(async ({ name, bytes }) => {
      const key = prefixed(prefix, name);
      const versionId = await presentVersion(store, key, bytes);
      const facts = versionId === undefined ? undefined : await store.head({ key, versionId });
      return { name, versionId, lock: facts?.lock };
    }),
  );
}

async function put(
  store: ObjectStore,
  key: string,
  { name, bytes }: KeyringDocument,
  lock: LockDays,
): Promise<void> {
  const { kind } = await store.putSmallDocument({ key, body: bytes, lock });
  // Another process may have been faster with the same bytes; anything else must not stand in for the document.
  if (kind === 'exists' && (await presentVersion(store, key, bytes)) === undefined)
    throw new Failure('keyring_name_taken', { document: name, destination: store.name });
}

async function renew(
  store: ObjectStore,
  object: { key: string; versionId: string },
  lock: LockDays,
): Promise<void> {
  const facts = await store.head(object);
  const wanted = await store.lockUntil(lock);
  const missingMs = wanted.retainUntil.getTime() - (facts?.lock?.retainUntil.getTime() ?? 0);
  if (missingMs > renewAfterMs(lock)) await store.extendLock({ ...object, lock: wanted });
}

/** The version of the key that holds exactly these bytes; a foreign one on top is left alone. */
async function presentVersion(store: ObjectStore, key: string, bytes: Buffer): Promise<string | undefined> {
  for (const version of await store.versionsOf(key)) {
    if (version.isDeleteMarker || version.lengthBytes !== bytes.length) continue;
    if ((await store.get(version)).equals(bytes)) return version.versionId;
  }
  return undefined;
}

const isRoot = ({ name }: KeyringDocument): boolean => name.startsWith('keys/root/');

/** Of `keys/scope/<scope id>/<key id>`. */
export const scopeIdOf = (name: string): Id => name.split('/')[2] ?? '';
