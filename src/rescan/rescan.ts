import { auditEvent } from '../audit/event.ts';
import type { Catalog, RunResult } from '../catalog/catalog.ts';
import {
  contentsToRescan,
  type DueScope,
  noteProgress,
  runProgress,
  storedContents,
} from '../catalog/rescan-query.ts';
import { Failure } from '../domain/failures.ts';
import type { Id, ScannerFacts } from '../domain/records.ts';
import { ByteBudget } from '../restore/byte-budget.ts';
import { mapUnordered } from '../restore/map-unordered.ts';
import { defaultRetryPausesMs, throwIfInterrupted } from '../restore/retry.ts';
import { type LookDeps, type LookResult, lookAgain } from './look-again.ts';

/** What rescanning works with. */
export interface RescanDeps extends Omit<LookDeps, 'reading' | 'run'> {
  readonly keys: LookDeps['reading']['keys'];
  /** By the destination's name in the configuration. */
  readonly stores: LookDeps['reading']['stores'];
  /** Pauses between the tries of a request that a store did not answer, ms. */
  readonly retryPausesMs?: readonly number[];
}

export interface RescanRequest {
  readonly runId: Id;
  /** Who asked, as the audit trail names them. */
  readonly actor: string;
  /** Only what versions of this source hold. */
  readonly sourceId?: Id | undefined;
  /** Contents to look at, at most. */
  readonly limit?: number | undefined;
  /** From then on nothing more is begun; the same run goes on later. */
  readonly until: Date;
  readonly signal: AbortSignal;
}

/** Counts of contents; the run's, also where it was cut off and went on. */
export type RescanTotals = Readonly<Record<LookResult | 'rescanned' | 'bytes', number>>;

export interface RescanSlice {
  readonly totals: RescanTotals;
  /** Nothing is left of what the run is about. */
  readonly isDone: boolean;
}

/** Contents looked at at once: each small one waits for the bucket most of the time. */
const jobs = 4;
/** Sealed and plain content in memory at once. Bytes. */
const memoryBytes = 32 * 1024 * 1024;
/** Hashes that one look over the whole catalog finds, so that it is rare. */
const hashesAtOnce = 20_000;
const detailsAtOnce = 100;

/**
 * Has stored content scanned again by the signatures in force, what was judged longest ago first, until the time is up, the
 * limit is reached, or nothing is due. What it looked at counts as done for this run, so it can be cut off anywhere and
 * called again.
 *
 * Failures: `signatures_stale`, `scanner_unavailable`, `s3_unavailable` and what else says nothing about a content, the
 * catalog's, `interrupted`.
 */
export async function rescan(
  deps: RescanDeps,
  request: RescanRequest,
  onLook: (result: LookResult) => void = () => {},
): Promise<RescanSlice> {
  const { catalog, hostId } = deps;
  const { runId, actor, sourceId } = request;
  const source = sourceId === undefined ? {} : { sourceId };
  await catalog.startRun({ id: runId, kind: 'rescan', hostId, actor, ...source });
  const slice = new Slice(deps, request, onLook, await begun(catalog, runId));
  try {
    const isDone = await slice.work();
    if (isDone) await slice.end();
    return { totals: slice.totals, isDone };
  } finally {
    // What ended the slice says more than that it could not be noted down.
    await noteProgress(catalog, runId, slice.totals).catch(() => {});
  }
}

async function begun(catalog: Catalog, runId: Id) {
  const progress = await runProgress(catalog, runId);
  if (progress === undefined) throw new TypeError('a run that was just recorded is not there');
  return progress;
}

/** Failure `signatures_stale` where what the scanner would say means too little. */
export async function freshSignatures(scanner: RescanDeps['scanner']): Promise<ScannerFacts> {
  const loaded = await scanner.currentFacts();
  if (scanner.isStale(loaded))
    throw new Failure('signatures_stale', { at: loaded.signaturesAt.slice(0, 10) });
  return loaded;
}

/** Content that comes over a thin line, or is held back by the rate, at 16 KiB/s at worst. */
export const slowDeadlineMs = (sizeBytes: number): number => 60_000 + sizeBytes / 16.384;

/** Of a rescan by command where none is scheduled. Bytes of content a second. */
export const defaultRescanRate = 4 * 1024 * 1024;

const noTotals: RescanTotals = {
  rescanned: 0,
  bytes: 0,
  clean: 0,
  infected: 0,
  notScanned: 0,
  unreadable: 0,
};

class Slice {
  totals: RescanTotals;
  private readonly deps: RescanDeps;
  private readonly request: RescanRequest;
  private readonly onLook: (result: LookResult) => void;
  private readonly look: LookDeps;
  private readonly since: Date;
  private readonly stop = new AbortController();

  constructor(
    deps: RescanDeps,
    request: RescanRequest,
    onLook: (result: LookResult) => void,
    { startedAt, totals }: { readonly startedAt: Date; readonly totals: Readonly<Record<string, number>> },
  ) {
    this.deps = deps;
    this.request = request;
    this.onLook = onLook;
    this.since = startedAt;
    this.totals = { ...noTotals, ...totals };
    const { runId, signal } = request;
    const stopping = AbortSignal.any([signal, this.stop.signal]);
    this.look = {
      ...deps,
      run: runId,
      reading: {
        keys: deps.keys,
        stores: deps.stores,
        memory: new ByteBudget(memoryBytes),
        signal: stopping,
        retryPausesMs: deps.retryPausesMs ?? defaultRetryPausesMs,
      },
    };
  }

  /** True when nothing is left. */
  async work(): Promise<boolean> {
    const scope: DueScope = {
      loaded: await freshSignatures(this.deps.scanner),
      sourceId: this.request.sourceId,
      since: this.since,
    };
    for (;;) {
      const left = this.left();
      if (left <= 0) return true;
      const due = await contentsToRescan(this.deps.catalog, scope, Math.min(left, hashesAtOnce));
      if (due.length === 0) return true;
      const before = this.totals.rescanned;
      for (let from = 0; from < due.length; from += detailsAtOnce) {
        if (!(await this.lookAt(due.slice(from, from + detailsAtOnce)))) return false;
      }
      // All of them went between the two questions: what is asked again and again would never end.
      if (this.totals.rescanned === before) return true;
    }
  }

  /** The run's last account of itself. */
  async end(): Promise<void> {
    const { catalog, ids, hostId } = this.deps;
    const { runId, actor, sourceId } = this.request;
    const result: RunResult =
      this.totals.infected + this.totals.unreadable > 0 ? 'complete with warnings' : 'complete';
    await catalog.endRun(runId, result, this.totals);
    // As recorded: when this runs for a second time, the first account stands.
    const ended = await catalog.endedRun(runId);
    const event = auditEvent(ids, {
      ...{ subject: runId, step: 'rescan', run: runId, host: hostId, actor, source: sourceId },
      facts: { ...ended },
    });
    await catalog.write({ events: [event] });
  }

  private left(): number {
    return (this.request.limit ?? Number.MAX_SAFE_INTEGER) - this.totals.rescanned;
  }

  /** False when the time is up before the last of them was begun. */
  private async lookAt(hashes: readonly Buffer[]): Promise<boolean> {
    const { until, signal } = this.request;
    const contents = await storedContents(this.deps.catalog, hashes);
    let isLate = false;
    const inTime = async function* () {
      for (const content of contents) {
        throwIfInterrupted(signal);
        isLate = Date.now() >= until.getTime();
        if (isLate) return;
        yield content;
      }
    };
    const looks = mapUnordered(
      inTime(),
      jobs,
      async (content) => ({ result: await lookAgain(this.look, content), bytes: content.sizeBytes }),
      () => this.stop.abort(),
    );
    for await (const { result, bytes } of looks) {
      this.onLook(result);
      const { rescanned, bytes: before } = this.totals;
      this.totals = {
        ...this.totals,
        rescanned: rescanned + 1,
        bytes: before + bytes,
        [result]: this.totals[result] + 1,
      };
    }
    await noteProgress(this.deps.catalog, this.request.runId, this.totals);
    return !isLate;
  }
}
