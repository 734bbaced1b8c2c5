import { shreddedScopeIds } from '../catalog/verify-query.ts';
import { prefixed } from '../sealed/names.ts';
import { type CheckedDestination, tell } from './check-objects.ts';
import type { VerifyRun } from './run.ts';

/** Which versions of which names are our keyring, by full name. */
export type KeyringVersions = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Looks whether a destination holds every document of the keyring, unaltered and locked; those of a scope that is being
 * shredded are not expected any more. What is missing the worker puts there at its start and once a day.
 */
export async function checkKeyring(
  run: VerifyRun,
  destination: Omit<CheckedDestination, 'isOurs'>,
): Promise<KeyringVersions> {
  const { store, name, now } = destination;
  const { prefix } = run.destination(name);
  const shredded = await shreddedScopeIds(run.deps.catalog);
  const ours = new Map<string, Set<string>>();
  for (const document of run.deps.keyring) {
    const key = prefixed(prefix, document.name);
    const versions = await run.retrying(() => versionsWith(store, key, document.bytes));
    ours.set(key, new Set(versions));
    if (shredded.some((scopeId) => document.name.startsWith(`keys/scope/${scopeId}/`))) continue;
    run.keyringDocuments++;
    const about = { subject: 'keyring', destination: name, key } as const;
    const [s3VersionId] = versions;
    if (s3VersionId === undefined) await tell(run, { ...about, kind: 'missing' });
    else if (!(await isLocked(run, destination, key, versions, now)))
      await tell(run, { ...about, kind: 'lock_mismatch', s3VersionId, detail: 'not locked' });
  }
  return ours;
}

/** Whether any keyring document lies there; a bucket without one is not the one we wrote. */
export const holdsKeyring = (ours: KeyringVersions): boolean =>
  ours.size === 0 || [...ours.values()].some((versions) => versions.size > 0);

/** The versions of the name that hold exactly these bytes, newest first. */
async function versionsWith(
  store: CheckedDestination['store'],
  key: string,
  bytes: Buffer,
): Promise<string[]> {
  const found: string[] = [];
  for (const version of await store.versionsOf(key)) {
    if (version.isDeleteMarker || version.lengthBytes !== bytes.length) continue;
    if ((await store.get(version)).equals(bytes)) found.push(version.versionId);
  }
  return found;
}

async function isLocked(
  run: VerifyRun,
  { store }: Omit<CheckedDestination, 'isOurs'>,
  key: string,
  versions: readonly string[],
  now: Date,
): Promise<boolean> {
  for (const versionId of versions) {
    const facts = await run.retrying(() => store.head({ key, versionId }));
    if (facts?.lock !== undefined && facts.lock.retainUntil > now) return true;
  }
  return false;
}
