import type { Logger } from 'pino';
import { auditStanding } from '../../audit/standing.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { hostRows } from '../../catalog/host-query.ts';
import { journalLags } from '../../catalog/journal-query.ts';
import { plannedCounts } from '../../catalog/replicate-query.ts';
import { pausedSources } from '../../catalog/retention-query.ts';
import {
  beginning,
  lastSweeps,
  openIncidents,
  outcomeCounts,
  runCounts,
  sourceBacklogs,
  storedCounts,
  unsoundCounts,
} from '../../catalog/standing-query.ts';
import { holdTotals } from '../../holds/held.ts';
import type { StandingMetrics } from './standing.ts';

/** Counting everything takes longer the more there is: between two times it rests for so many times what it took. */
const restFactor = 100;

/**
 * Reads what stands in the catalog into the gauges, one query after the other; gives the function to be called every few
 * seconds. What reads whole tables takes at most a hundredth of the time.
 */
export function standingLook(
  { catalog, log, destinations }: { catalog: Catalog; log: Logger; destinations: readonly string[] },
  metrics: StandingMetrics,
): () => Promise<void> {
  const stand = async (): Promise<void> =>
    metrics.stand({
      beginning: await beginning(catalog),
      sweeps: await lastSweeps(catalog),
      lags: await journalLags(catalog),
      unsound: await unsoundCounts(catalog),
      copies: destinations.length < 2 ? [] : await plannedCounts(catalog, [...destinations]),
      incidents: await openIncidents(catalog),
      audit: await auditStanding(
        catalog,
        destinations.map((name) => ({ name })),
      ),
      pausedSources: (await pausedSources(catalog)).map(({ source }) => source),
      hosts: (await hostRows(catalog)).filter(({ revokedAt }) => revokedAt === null),
    });
  const count = rested(async () =>
    metrics.count({
      holds: await holdTotals(catalog),
      outcomes: await outcomeCounts(catalog),
      backlogs: await sourceBacklogs(catalog),
      stored: await storedCounts(catalog),
      runs: await runCounts(catalog),
    }),
  );
  let failsAlready = false;
  return async () => {
    try {
      await stand();
      await count();
      failsAlready = false;
    } catch (error) {
      if (!failsAlready) log.warn({ err: error }, 'what stands is not counted anew');
      failsAlready = true;
    }
  };
}

/** The same work, which is left out until it has rested for a while; also where it failed. */
function rested(work: () => Promise<void>): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    const began = performance.now();
    if (began < nextMs) return;
    try {
      await work();
    } finally {
      const ended = performance.now();
      nextMs = ended + restFactor * (ended - began);
    }
  };
}
