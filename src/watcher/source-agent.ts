import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import type { SourceConfig } from '../config.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { changesFilter } from '../files/filter.ts';
import { currentMounts } from '../files/mounts.ts';
import { parentOf } from '../files/paths.ts';
import type { Installation } from '../installation.ts';
import { openSource, type WalkedSource } from '../sources.ts';
import { compareTree } from './compare.ts';
import { knownBelow } from './compare-query.ts';
import type { Dispatcher } from './dispatcher.ts';
import { errorProblem, type ProblemBoard, watchProblem } from './problem-board.ts';
import type { WatchProblem } from './problems.ts';
import { RateGate } from './rate-gate.ts';
import { recordSkips, type Skipped } from './skips.ts';
import { type SkippedPath, type WatchedPath, watchSource } from './watch.ts';
import { pollPauseMs, watchingOf } from './watching.ts';

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

interface AgentOptions {
  readonly installation: Installation;
  readonly catalog: Catalog;
  readonly dispatcher: Dispatcher;
  readonly log: Logger;
  readonly source: SourceConfig;
  readonly home: string;
  readonly ids: Ids;
  readonly runId: Id;
  readonly board: ProblemBoard;
  /** Starts a sweep of the source; false when one is under way. */
  readonly startSweep: (sourceId: Id) => Promise<boolean>;
}

/** More changes than this at once are for a sweep, which takes small files together. */
const mostSingly = 1_000;

/** Paths kept while the catalog or Temporal is away; beyond that only the mark that a walk is needed. */
const mostWaiting = 100_000;
const batchEntries = 500;
const retryMs = 1_000;
const sweepRetryMs = 2_000;
const gateTickMs = 250;

/**
 * Serves one source: watches it, first catches up with what changed while nobody watched, and hands every changed entry
 * to the pipeline. What cannot be handed over now waits here.
 */
export class SourceAgent {
  readonly totals = { seen: 0, dispatched: 0, skipped: 0 };
  private readonly options: AgentOptions;
  private readonly gate = new RateGate();
  private readonly waiting = new Map<Id, EntryRef>();
  /** Entries that changed again within a second of being handed over. */
  private readonly later = new Map<Id, EntryRef>();
  private needsWalk = true;
  private hasCaughtUp = false;
  private owesSweep = false;
  private wake: (() => void) | undefined;

  constructor(options: AgentOptions) {
    this.options = options;
  }

  /** Works until the signal; a source that is away is looked for again and again. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.serve(signal);
      } catch (error) {
        this.options.log.warn(
          { err: error, source: this.options.source.name },
          'source is not served now; trying again',
        );
        this.options.board.set(this.options.source.name, errorProblem(error));
        await sleep(retryMs * 2, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async serve(signal: AbortSignal): Promise<void> {
    const { installation, catalog, ids, home, source } = this.options;
    const served = await openSource(installation.config, ids, catalog, source.name, home);
    this.options.board.set(source.name, undefined);
    const watching = watchingOf(source, currentMounts(), served.root.realPath);
    this.options.log.info({ source: source.name, ...watching }, 'source is watched');
    if (watching.by === 'off') return aborted(signal);
    if (watching.by === 'poll') return this.poll(served, signal);
    const watch = await watchSource(served.root, served.filter, {
      quietMs: installation.config.pipeline.quiet,
      onPaths: (batch) => this.noticed(served, batch),
      onSkipped: (batch) => this.skipped(served, batch),
      onProblem: (problem) => this.problem(problem),
    });
    try {
      await this.deliver(served, signal);
    } finally {
      await watch.close();
    }
  }

  /** Looks at everything, again and again. What goes wrong ends it: the source is opened anew. */
  private async poll(served: WalkedSource, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      served.filter.forget(Buffer.alloc(0));
      await this.catchUp(served, signal);
      const pauseMs = pollPauseMs(this.options.source, performance.now() - began);
      await this.handOver(served.id);
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Hands over what waits, until the signal. */
  private async deliver(served: WalkedSource, signal: AbortSignal): Promise<void> {
    const { log, source } = this.options;
    while (!signal.aborted) {
      try {
        if (this.needsWalk) await this.catchUp(served, signal);
        await this.handOver(served.id);
      } catch (error) {
        log.warn(
          { err: error, source: source.name, waiting: this.waiting.size },
          'changes cannot be handed over now',
        );
        await sleep(retryMs, undefined, { signal }).catch(() => {});
        continue;
      }
      await this.untilSomethingWaits(signal);
    }
  }

  /** Finds what changed while nobody watched. The first time also what was not protected then; later that is for sweeps. */
  private async catchUp(served: WalkedSource, signal: AbortSignal): Promise<void> {
    const { catalog, ids, log } = this.options;
    this.needsWalk = false;
    let due = 0;
    try {
      const skips: Skipped[] = [];
      for await (const found of compareTree(served, catalog, ids)) {
        if (signal.aborted) return;
        this.totals.seen++;
        if (found.is === 'gone' || (found.is === 'due' && (found.isChanged || !this.hasCaughtUp))) {
          this.wait(found.entry);
          if (++due === mostSingly) return await this.leaveAllToSweep(served.id, signal);
        }
        if (found.is === 'skipped' && !this.hasCaughtUp) skips.push(found);
        if (skips.length >= batchEntries) await this.record(skips.splice(0));
        // Not before it is known that no sweep takes them: who comes next would stand in line behind them.
        if (due > mostSingly && this.waiting.size >= batchEntries) await this.handOver(served.id);
      }
      await this.record(skips);
    } catch (error) {
      this.needsWalk = true;
      throw error;
    }
    if (!this.hasCaughtUp) log.info({ source: served.config.name, ...this.totals }, 'caught up');
    this.hasCaughtUp = true;
  }

  private noticed(served: WalkedSource, batch: readonly WatchedPath[]): void {
    for (const { path, event } of batch) {
      if (changesFilter(path)) served.filter.forget(parentOf(path));
      if (event !== 'left_out')
        this.offer({ id: this.options.ids.entry(served.id, path), sourceId: served.id, path });
      if (event !== 'changed') this.removedBelow(served, path);
    }
    this.wake?.();
  }

  private offer(entry: EntryRef): void {
    if (this.gate.offer(entry.id, performance.now())) this.wait(entry);
    else this.later.set(entry.id, entry);
  }

  /** A folder that went away takes everything below it along, which only the catalog knows. */
  private removedBelow(served: WalkedSource, removed: Buffer): void {
    void (async () => {
      for await (const { id, path } of knownBelow(this.options.catalog, served.id, [removed]))
        this.wait({ id, path, sourceId: served.id });
      this.wake?.();
    })().catch(() => {
      this.needsWalk = true;
    });
  }

  private skipped(served: WalkedSource, batch: readonly SkippedPath[]): void {
    const { ids } = this.options;
    const skips = batch.map(({ path, skip }) => ({
      entry: { id: ids.entry(served.id, path), sourceId: served.id, path },
      skip,
    }));
    void this.record(skips).catch(() => {
      this.needsWalk = true;
    });
  }

  private async record(skips: readonly Skipped[]): Promise<void> {
    const { catalog, ids, runId, installation } = this.options;
    this.totals.skipped += skips.length;
    await recordSkips(catalog, ids, { id: runId, hostId: installation.config.host.id }, skips);
  }

  private problem(problem: WatchProblem): void {
    const { log, source } = this.options;
    if (problem.kind === 'source_returned') this.needsWalk = true;
    this.options.board.set(source.name, watchProblem(problem));
    const facts =
      problem.kind === 'watch_limit'
        ? { err: problem.failure }
        : problem.kind === 'watch_error'
          ? { code: problem.code }
          : {};
    log.warn({ source: source.name, problem: problem.kind, ...facts }, 'watching is disturbed');
    this.wake?.();
  }

  private wait(entry: EntryRef): void {
    if (this.waiting.size < mostWaiting) this.waiting.set(entry.id, entry);
    else this.needsWalk = true;
  }

  /** A sweep that starts now finds all that waits; one that is under way may have passed it by. */
  private async leaveToSweep(sourceId: Id): Promise<boolean> {
    const { startSweep, log, source } = this.options;
    const found = [...this.waiting.values()];
    // What changes from here on waits anew: the sweep may have passed it before.
    this.waiting.clear();
    const started = await startSweep(sourceId).catch((error: unknown) => {
      this.needsWalk = true;
      throw error;
    });
    if (started) log.info({ source: source.name }, 'many changes at once are left to a sweep');
    else for (const entry of found) this.wait(entry);
    return started;
  }

  /** The one under way may have passed by what a walk found: then another follows it. One by one would take far longer. */
  private async leaveAllToSweep(sourceId: Id, signal: AbortSignal): Promise<void> {
    if (await this.leaveToSweep(sourceId)) return;
    this.waiting.clear();
    if (this.owesSweep) return;
    this.owesSweep = true;
    void (async () => {
      while (this.owesSweep) {
        await sleep(sweepRetryMs, undefined, { signal });
        this.owesSweep = !(await this.options.startSweep(sourceId).catch(() => false));
      }
    })().catch(() => {
      this.owesSweep = false;
    });
  }

  private async handOver(sourceId: Id): Promise<void> {
    const { dispatcher, runId } = this.options;
    if (this.waiting.size >= mostSingly && (await this.leaveToSweep(sourceId))) return;
    for (;;) {
      this.takeDue();
      const batch = [...this.waiting.values()].slice(0, batchEntries);
      if (batch.length === 0) return;
      // Taken out first: what changes meanwhile waits anew. Put back if the hand-over fails.
      for (const entry of batch) this.waiting.delete(entry.id);
      try {
        await dispatcher.dispatch(batch, runId);
        this.totals.dispatched += batch.length;
      } catch (error) {
        for (const entry of batch) this.wait(entry);
        throw error;
      }
    }
  }

  private async untilSomethingWaits(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.waiting.size === 0 && !this.needsWalk) {
      const tick = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      const pause = sleep(this.later.size > 0 ? gateTickMs : 60_000, undefined, {
        signal: AbortSignal.any([tick.signal, signal]),
      });
      await Promise.race([woken, pause.catch(() => {})]);
      tick.abort();
      this.wake = undefined;
      this.takeDue();
    }
  }

  /** Lets in what had to wait because it changed again too soon. */
  private takeDue(): void {
    for (const id of this.gate.takeDue(performance.now())) {
      const entry = this.later.get(id);
      this.later.delete(id);
      if (entry) this.wait(entry);
    }
  }
}
