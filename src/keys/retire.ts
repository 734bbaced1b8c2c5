import type { Catalog } from '../catalog/catalog.ts';
import { readFact } from '../catalog/installation-fact.ts';
import { prefixed } from '../sealed/names.ts';
import type { ObjectStore, VersionName } from '../storage/object-store.ts';

const factName = 'retired_key_documents';

/** A destination with the right to delete in it. */
export interface DeletingPlace {
  readonly prefix: string;
  /** Lists. */
  readonly store: ObjectStore;
  /** Deletes: the retention role, which can do nothing else. */
  readonly deleting: ObjectStore;
}

/** What became of versions that were to be deleted. */
export interface Deletion {
  readonly deleted: number;
  /** Still locked. */
  readonly locked: number;
  /** Not allowed with the credentials that are configured. */
  readonly denied: number;
}

const nothing: Deletion = { deleted: 0, locked: 0, denied: 0 };

/** Remembers documents that were replaced: they open with an older password until they are deleted from the bucket. */
export async function retireDocuments(catalog: Catalog, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await catalog.rows(
    `insert into installation_facts (name, value) values ($1, $2)
     on conflict (name) do update set value = installation_facts.value || excluded.value, at = now()`,
    [factName, JSON.stringify(names)],
  );
}

export async function retiredDocuments(catalog: Catalog): Promise<string[]> {
  return [...new Set((await readFact<string[]>(catalog, factName))?.value)];
}

async function forgetRetired(catalog: Catalog, name: string): Promise<void> {
  await catalog.rows('update installation_facts set value = value - $2::text, at = now() where name = $1', [
    factName,
    name,
  ]);
}

/** Deletes retired documents whose locks have ended. Never one of `live`, the names in the state folder. */
export async function deleteRetired(
  catalog: Catalog,
  places: readonly DeletingPlace[],
  live: ReadonlySet<string>,
): Promise<Deletion> {
  let total = nothing;
  for (const name of await retiredDocuments(catalog)) {
    if (live.has(name)) continue;
    const deletion = await deleteAll(places, name);
    if (isComplete(deletion)) await forgetRetired(catalog, name);
    total = sum(total, deletion);
  }
  return total;
}

/** Deletes every version whose key without prefix begins with `name`, in every destination. */
export async function deleteAll(places: readonly DeletingPlace[], name: string): Promise<Deletion> {
  let total = nothing;
  for (const place of places) {
    for await (const version of place.store.listVersions(prefixed(place.prefix, name))) {
      total = sum(total, await deleteOne(place, version));
    }
  }
  return total;
}

async function deleteOne({ store, deleting }: DeletingPlace, version: VersionName): Promise<Deletion> {
  if ((await deleting.deleteVersion(version)) === 'deleted') return { ...nothing, deleted: 1 };
  // Servers answer a lock and a missing right alike.
  const facts = await store.head(version);
  const isLocked = (facts?.lock?.retainUntil.getTime() ?? 0) > (await serverTimeMs(store));
  return isLocked || facts?.legalHold ? { ...nothing, locked: 1 } : { ...nothing, denied: 1 };
}

async function serverTimeMs(store: ObjectStore): Promise<number> {
  const { retainUntil } = await store.lockUntil({ mode: 'GOVERNANCE', days: 1 });
  return retainUntil.getTime() - 86_400_000;
}

export const isComplete = ({ locked, denied }: Deletion): boolean => locked + denied === 0;

const sum = (a: Deletion, b: Deletion): Deletion => ({
  deleted: a.deleted + b.deleted,
  locked: a.locked + b.locked,
  denied: a.denied + b.denied,
});
