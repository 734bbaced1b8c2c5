import type { Catalog } from '../catalog/catalog.ts';
import { readFact, writeFact } from '../catalog/installation-fact.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { lastMaster } from '../sealed/keyring.ts';
import { prefixed } from '../sealed/names.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isKeyringName, type KeyringDocument } from './keyring-files.ts';
import { type Keyring, kitHolder, openKeyring } from './open-keyring.ts';

const factName = 'recovery_kit';

/** The recovery kit, as far as it was proved that it works. */
export interface VerifiedKit {
  /** Of the root document that the recovery key opened. */
  readonly generation: number;
  /** Id of the newest master key it holds. */
  readonly keyId: Id;
  readonly at: Date;
}

/** Every version of every keyring document in the bucket: whoever can write there can put others on top. */
export async function documentsInBucket(store: ObjectStore, prefix: string): Promise<KeyringDocument[]> {
  const documents: KeyringDocument[] = [];
  for await (const version of store.listVersions(prefixed(prefix, 'keys/'))) {
    const name = prefix === '' ? version.key : version.key.slice(prefix.length + 1);
    if (version.isDeleteMarker || !isKeyringName(name) || version.lengthBytes > mostDocumentBytes) continue;
    documents.push({ name, bytes: await store.get(version) });
  }
  return documents;
}

const mostDocumentBytes = 65_536;

/**
 * Proves that the recovery key opens the keyring as it lies in the bucket, and with it every scope that this machine can
 * read. Failures: the keyring's, `kit_not_in_bucket`, `holder_outdated`; `wrong_password` also for a password that is no
 * recovery key.
 */
export async function verifyKit(
  typed: Buffer,
  here: Keyring,
  place: { readonly name: string; readonly store: ObjectStore; readonly prefix: string },
): Promise<Omit<VerifiedKit, 'at'>> {
  const documents = await documentsInBucket(place.store, place.prefix);
  const opened = await openKeyring(documents, here.root.repositoryId, typed);
  if (opened.holder !== kitHolder) throw new Failure('wrong_password');
  const wanted = [...here.scopes.values()].flat().map(({ key }) => key.id.toString('hex'));
  const found = new Set([...opened.scopes.values()].flat().map(({ key }) => key.id.toString('hex')));
  const missing = wanted.filter((id) => !found.has(id));
  if (missing.length > 0) {
    const isOutdated = opened.problems.some(({ kind }) => kind === 'newer');
    if (isOutdated) throw new Failure('holder_outdated', { holder: kitHolder });
    throw new Failure('kit_not_in_bucket', { destination: place.name, missing: missing.length });
  }
  return { generation: opened.openedGeneration, keyId: lastMaster(opened.root).id.toString('hex') };
}

export async function recordVerifiedKit(catalog: Catalog, kit: Omit<VerifiedKit, 'at'>): Promise<void> {
  await writeFact(catalog, factName, kit);
}

/** Undefined while no kit was ever verified. */
export async function verifiedKit(catalog: Catalog): Promise<VerifiedKit | undefined> {
  const fact = await readFact<Omit<VerifiedKit, 'at'>>(catalog, factName);
  return fact && { ...fact.value, at: fact.at };
}
