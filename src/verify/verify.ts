import { coverage, otherDestinations } from '../catalog/verify-query.ts';
import { isFailure } from '../domain/failures.ts';
import { troubleOf } from '../pipeline/trouble.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { checkKeyring, holdsKeyring } from './check-keyring.ts';
import { checkManifests } from './check-manifests.ts';
import { checkObjects, passSize } from './check-objects.ts';
import type { CoverageSummary, VerifySummary } from './finding.ts';
import { takeInventory } from './inventory.ts';
import { serverNow, type VerifyDeps, type VerifyRequest, VerifyRun } from './run.ts';

/**
 * Holds what lies in the destinations against what the catalog promises: first the keyring, then a share of the manifests
 * and objects, those that were not looked at for longest, then, if asked for, everything the buckets list.
 *
 * Findings are told as they are met; what can be put right is, unless only a look was asked for. What was looked at
 * since `since` (by the catalog's clock) counts as done. Failures: `s3_unavailable`, `s3_denied`, `bucket_missing` and
 * the catalog's, when nothing can be said; `interrupted`.
 */
export async function verify(deps: VerifyDeps, request: VerifyRequest, since: Date): Promise<VerifySummary> {
  const run = new VerifyRun(deps, request, since);
  const away: string[] = [];
  for (const [name, { store }] of deps.destinations) {
    await verifyDestination(run, name, store).catch((error: unknown) => {
      // The others are looked at all the same, unless there is none.
      if (!isAway(error, name) || away.length + 1 === deps.destinations.size) throw error;
      away.push(name);
      run.complete = false;
    });
  }
  const { checked, read, bytesRead, manifests, keyringDocuments, listed, shredded, repaired, complete } = run;
  return {
    ...{ checked, read, bytesRead, manifests, keyringDocuments, listed, shredded, repaired, complete },
    findings: { ...run.findings },
    coverage: await coverageNow(run),
    unreachable: await otherDestinations(deps.catalog, [...deps.destinations.keys()]),
    away,
  };
}

async function verifyDestination(run: VerifyRun, name: string, store: ObjectStore): Promise<void> {
  const { request } = run;
  const now = await run.retrying(() => serverNow(store));
  const keyring = await checkKeyring(run, { name, store, now });
  const destination = { name, store, now, isOurs: holdsKeyring(keyring) };
  await checkManifests(run, destination);
  for (const [order, share] of [
    ['read_at', request.readSample],
    ['checked_at', request.sample],
  ] as const) {
    if (!run.isOver()) {
      await checkObjects(run, destination, order, await passSize(run, name, share, order));
    }
  }
  if (request.inventory && !run.isOver()) await takeInventory(run, destination, keyring);
}

const isAway = (error: unknown, destination: string): boolean =>
  troubleOf(error) === 'away' && isFailure(error) && error.facts.destination === destination;

async function coverageNow({ deps, request, since }: VerifyRun): Promise<CoverageSummary> {
  const all = await Promise.all(
    [...deps.destinations.keys()].map((name) => coverage(deps.catalog, name, since, request.scope)),
  );
  const sum = (count: (one: (typeof all)[number]) => number): number =>
    all.reduce((total, one) => total + count(one), 0);
  return {
    live: sum(({ live }) => live),
    neverChecked: sum(({ neverChecked }) => neverChecked),
    neverRead: sum(({ neverRead }) => neverRead),
    allCheckedSince: oldest(all.filter(({ live }) => live > 0).map(({ oldestCheck }) => oldestCheck)),
    allReadSince: oldest(all.filter(({ live }) => live > 0).map(({ oldestRead }) => oldestRead)),
  };
}

function oldest(times: readonly (Date | null)[]): string | null {
  if (times.length === 0 || times.some((time) => time === null)) return null;
  return new Date(Math.min(...times.map((time) => time?.getTime() ?? 0))).toISOString();
}
