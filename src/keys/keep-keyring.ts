import type { Catalog } from '../catalog/catalog.ts';
import type { KeyringPlace } from './change-keyring.ts';
import { hostDocuments, keyringDocuments } from './keyring-files.ts';
import { documentsToKeep, publishKeyring } from './publish.ts';
import { type DeletingPlace, type Deletion, deleteRetired } from './retire.ts';
import { type ShredProgress, shredDue } from './shred.ts';
import { shreddingScopes } from './shreddings.ts';

/** What the keyring needs daily: locks renewed, what was replaced or shredded deleted as far as its locks have ended. */
export async function keepKeyring(o: {
  readonly catalog: Catalog;
  readonly home: string;
  readonly places: readonly (KeyringPlace & DeletingPlace)[];
}): Promise<{ readonly retired: Deletion; readonly shredded: readonly ShredProgress[] }> {
  const documents = await keyringDocuments(o.home);
  const keyring = documentsToKeep(documents, await shreddingScopes(o.catalog));
  const kept = [...keyring, ...(await hostDocuments(o.home))];
  const errors: unknown[] = [];
  for (const { store, prefix, lock } of o.places) {
    // One destination that is away keeps no other's keyring from being renewed.
    await publishKeyring(store, prefix, kept, lock).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
  return deleteDue({ ...o, documents });
}

/** The second half of it. */
export async function deleteDue(
  o: Parameters<typeof shredDue>[0],
): Promise<{ readonly retired: Deletion; readonly shredded: readonly ShredProgress[] }> {
  const live = new Set(o.documents.map(({ name }) => name));
  return { retired: await deleteRetired(o.catalog, o.places, live), shredded: await shredDue(o) };
}
