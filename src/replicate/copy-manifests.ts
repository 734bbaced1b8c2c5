import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Catalog } from '../catalog/catalog.ts';
import { abandonManifest, commitManifests } from '../catalog/manifest-table.ts';
import { type MissingManifest, missingManifests } from '../catalog/replicate-query.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import { findManifest, putManifest } from '../manifest/place.ts';
import type { StepRun } from '../pipeline/context.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Journals are locked for at least so long. Days. */
const leastLockDays = 90;
const dayMs = 86_400_000;
const pageRows = 100;

/**
 * Copies the manifests that a destination lacks, byte for byte and under their own numbers, so that their chain is the same
 * everywhere. Gives how many. Failures: the stores'.
 */
export async function copyManifests(
  { catalog, stores, log }: { catalog: Catalog; stores: ReadonlyMap<string, ObjectStore>; log: Logger },
  destination: string,
  run: Pick<StepRun, 'heartbeat' | 'signal'>,
): Promise<number> {
  let copied = 0;
  for (;;) {
    const page = await missingManifests(catalog, destination, pageRows);
    for (const manifest of page) {
      run.heartbeat();
      run.signal.throwIfAborted();
      if (await copyManifest(catalog, stores, manifest)) copied += 1;
      else {
        const { sourceId: source, number } = manifest;
        await abandonManifest(catalog, manifest);
        log.error(
          { source, number, destination },
          'a manifest has no copy here: its name is taken, or it is lost',
        );
      }
    }
    if (page.length < pageRows) return copied;
  }
}

/** False where it cannot ever be: the bytes are gone, or somebody else's object has the name. */
async function copyManifest(
  catalog: Catalog,
  stores: ReadonlyMap<string, ObjectStore>,
  { fromDestination, fromKey, fromVersionId, fromRetainUntil, ...record }: MissingManifest,
): Promise<boolean> {
  const to = storeOf(stores, record.destination);
  const bytes = await storeOf(stores, fromDestination)
    .get({ key: fromKey, versionId: fromVersionId })
    .catch((error: unknown) => {
      if (isFailure(error, 'object_missing')) return undefined;
      throw error;
    });
  if (bytes === undefined || !hash('sha256', bytes, 'buffer').equals(record.sha256)) return false;
  const remaining = Math.ceil((fromRetainUntil.getTime() - Date.now()) / dayMs);
  const days = Math.max(leastLockDays, remaining);
  const sent = await putManifest(to, record, bytes, { mode: record.lockMode, days });
  const stored = sent === 'exists' ? await findManifest(to, record, days) : sent;
  if (stored === undefined) return false;
  await commitManifests(catalog, [stored], []);
  return true;
}

function storeOf(stores: ReadonlyMap<string, ObjectStore>, destination: string): ObjectStore {
  const store = stores.get(destination);
  if (store === undefined) throw new Failure('destination_unknown', { destination });
  return store;
}
