import { setTimeout as sleep } from 'node:timers/promises';
import { type Due, DueFiles, type Leftover } from '../batch/due-files.ts';
import type { Catalog, EntryRef, RunResult } from '../catalog/catalog.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { MassChangeLimits } from '../domain/retention.ts';
import type { SweepAnswer, SweepStep } from '../domain/steps.ts';
import type { StepRun } from '../pipeline/context.ts';
import { detectMassChange } from '../retention/mass-change.ts';
import type { WalkedSource } from '../sources.ts';
import { type Compared, compareTree, type Place } from '../watcher/compare.ts';
import { allowsDeletion, mostDeletions } from '../watcher/deletions.ts';
import type { Dispatcher } from '../watcher/dispatcher.ts';
import { recordSkips, type Skipped } from '../watcher/skips.ts';
import { Unsettled } from '../watcher/unsettled.ts';
import { endInterrupted, endSweep } from './end.ts';
import { loadProgress, saveProgress } from './progress.ts';
import { rehashOf, sweepsBefore, usualShare } from './rehash.ts';
import { type SweepTotals, sweepTotals } from './totals.ts';

export interface SweepContext {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly dispatcher: Pick<Dispatcher, 'dispatch' | 'start' | 'startBatch'>;
  /** Whether small files go through the steps together. */
  readonly batches: boolean;
  /** What stands and policy now wants otherwise, page by page, after judging all of it anew that an earlier epoch judged. */
  rejudge(step: SweepStep, run: StepRun): AsyncIterable<readonly Due[]>;
  /** How much of a source may change from one sweep to the next before somebody has to look. */
  readonly massChange: MassChangeLimits;
  /** The source as it is walked. Failure `source_unavailable`. */
  openSource(sourceId: Id): Promise<WalkedSource>;
}

/**
 * Looks at every entry of a source, hands over what is new, changed or was not protected, and waits for the outcomes. It
 * may be cut off and run again: it goes on about where it was, and what is settled by then is found unchanged.
 *
 * When more is gone than {@link allowsDeletion} lets go, nothing counts as deleted and the result is `incomplete`, unless
 * the sweep was told that this was meant. When more changed than {@link detectMassChange} lets pass, nothing of the source
 * expires any more.
 */
export async function sweepSource(
  context: SweepContext,
  step: SweepStep,
  run: StepRun,
): Promise<SweepAnswer> {
  const { catalog, hostId } = context;
  const { sourceId, runId, actor, confirmsDeletions } = step;
  await catalog.startRun({ id: runId, kind: 'sweep', sourceId, hostId, actor, confirmsDeletions });
  await endInterrupted(context, step);
  const pass = new Pass(context, step, run);
  const refusedDeletions = await naming(sourceId, async () => pass.walk(await context.openSource(sourceId)));
  await pass.settled();
  await pass.forget();

  const [totals, before] = await Promise.all([
    sweepTotals(catalog, runId, pass),
    detectMassChange(context, { sourceId, runId, refusedDeletions, confirmsDeletions }),
  ]);
  const result = resultOf(totals, refusedDeletions, before !== undefined);
  const ended = await endSweep(context, step, { result, totals: { ...totals, refusedDeletions } });
  return { next: 'swept', result: ended?.result ?? 'failed' };
}

/** What waits for a source that is away has to know which one it waits for. */
async function naming<T>(source: Id, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFailure(error, 'source_unavailable')) throw error;
    throw new Failure('source_unavailable', { ...error.facts, source }, { cause: error });
  }
}

function resultOf(totals: SweepTotals, refusedDeletions: number, isMassChange: boolean): RunResult {
  if (refusedDeletions > 0 || totals.unreachable > 0) return 'incomplete';
  const isNotable = isMassChange || totals.failed + totals.held + totals.quarantined > 0;
  return isNotable ? 'complete with warnings' : 'complete';
}

/** How many entries are handed over at once, and how many may be on their way before the walk waits. */
const pageEntries = 500;
const mostOnTheirWay = 2_000;

/** Batches that are handed over before the walk waits: two are worked on, the others are ready. */
const mostBatches = 4;
const batchPollMs = 100;
/** The last ones are all that the end of the sweep waits for. */
const lastBatchPollMs = 20;
/** After so long without a batch being done each is started again, which changes nothing where it runs. */
const restartAfterMs = 60_000;

/** So many entries are met between two places that a sweep which was cut off can go on from. */
const placeEntries = 10_000;

/** One walk through a source. */
class Pass {
  seen = 0;
  skipped = 0;
  unreachable = 0;
  private gone = 0;
  /** As many of the gone as may count as deleted without a word. */
  private keptGone: EntryRef[] = [];
  private readonly context: SweepContext;
  private readonly step: SweepStep;
  private readonly run: StepRun;
  private readonly onTheirWay: Unsettled;
  private readonly batches: DueFiles;
  private isRehashed: (entryId: Id) => boolean = () => false;
  private due: EntryRef[] = [];
  private skips: Skipped[] = [];

  constructor(context: SweepContext, step: SweepStep, run: StepRun) {
    this.context = context;
    this.step = step;
    this.run = run;
    this.onTheirWay = new Unsettled(context.catalog, context.dispatcher, step.runId);
    this.batches = new DueFiles(context, step);
  }

  /** Hands over all that is due, and gives how many entries are gone but may not count as deleted. */
  async walk(source: WalkedSource): Promise<number> {
    await this.batches.resume();
    const { catalog, ids } = this.context;
    const { sweep } = source.config;
    const share = sweep === 'off' ? usualShare : sweep.rehash;
    this.isRehashed = rehashOf(share, await sweepsBefore(catalog, source.id));
    const place: Place = { after: await this.goOn(), isHere: true };
    await this.judgeAnew();
    let sincePlace = 0;
    for await (const found of compareTree(source, catalog, ids, undefined, place)) {
      this.run.signal.throwIfAborted();
      this.run.heartbeat();
      if (++sincePlace > placeEntries && place.isHere && place.after !== undefined) {
        await this.keepPlace(place.after);
        sincePlace = 0;
      }
      await this.meet(found);
    }
    const mayGo = this.step.confirmsDeletions || (await this.mayAllGo());
    if (mayGo) for (const entry of this.keptGone) await this.takeTogether({ entry, sizeBytes: 0 });
    await this.handOverAll();
    return mayGo ? 0 : this.gone;
  }

  /** Takes up what an earlier try of this sweep did, and gives the path it came to. */
  private async goOn(): Promise<Buffer | undefined> {
    const before = await loadProgress(this.context.catalog, this.step.runId);
    if (before === undefined) return undefined;
    const { after, waiting, keptGone, ...counts } = before;
    Object.assign(this, counts);
    this.keptGone = [...keptGone];
    this.onTheirWay.add(waiting);
    return after;
  }

  /** Whoever takes this sweep up goes on after this path: what was due before it is on its way. */
  private async keepPlace(after: Buffer): Promise<void> {
    await this.handOverAll();
    const { seen, skipped, unreachable, gone, keptGone } = this;
    const counts = { seen, skipped, unreachable, gone };
    await saveProgress(this.context.catalog, this.step, {
      ...counts,
      ...{ after, keptGone, waiting: this.onTheirWay.waiting },
    });
  }

  private async handOverAll(): Promise<void> {
    await this.handOver();
    this.leave(await this.batches.handOver());
    await this.recordSkips();
  }

  /** What the policy now wants otherwise is handed over first: the walk may find some of it due as well. */
  private async judgeAnew(): Promise<void> {
    for await (const page of this.context.rejudge(this.step, this.run))
      for (const due of page) await this.protect(due);
    this.leave(await this.batches.handOver());
  }

  /** Waits until everything that was handed over has its outcome. */
  async settled(): Promise<void> {
    await this.untilBatches(0);
    await this.onTheirWay.drain(0, this.run);
  }

  forget(): Promise<void> {
    return this.batches.forget();
  }

  private async meet(found: Compared): Promise<void> {
    if (found.is === 'gone') return this.miss(found.entry);
    this.seen++;
    if (found.is === 'unreachable') this.unreachable++;
    else if (found.is === 'due') await this.protect(found);
    else if (found.is === 'unchanged' && this.isToBeReread(found)) await this.protect(found);
    else if (found.is === 'skipped') {
      this.skipped++;
      this.skips.push(found);
      if (this.skips.length >= pageEntries) await this.recordSkips();
    }
  }

  private async miss(entry: EntryRef): Promise<void> {
    this.gone++;
    if (this.step.confirmsDeletions) await this.takeTogether({ entry, sizeBytes: 0 });
    else if (this.gone <= mostDeletions) this.keptGone.push(entry);
  }

  private isToBeReread({ entry, kind }: Due): boolean {
    return kind === 'file' && this.isRehashed(entry.id);
  }

  private async protect(due: Due): Promise<void> {
    if (!DueFiles.takes(due)) return this.take(due.entry);
    return this.takeTogether(due);
  }

  private async takeTogether(due: Pick<Due, 'entry' | 'sizeBytes'>): Promise<void> {
    if (!this.context.batches) return this.take(due.entry);
    this.leave(await this.batches.add(due));
    await this.untilBatches(mostBatches);
    await this.onTheirWay.drain(mostOnTheirWay, this.run);
  }

  /** Waits until at most so many batches are under way. */
  private async untilBatches(most: number): Promise<void> {
    const pauseMs = most === 0 ? lastBatchPollMs : batchPollMs;
    let progressAt = performance.now();
    while (this.batches.size > most) {
      this.run.signal.throwIfAborted();
      this.run.heartbeat();
      const before = this.batches.size;
      this.leave(await this.batches.reap());
      const isStuck = performance.now() - progressAt > restartAfterMs;
      if (isStuck) await this.batches.restart();
      if (isStuck || this.batches.size < before) progressAt = performance.now();
      if (this.batches.size > most) await sleep(pauseMs, undefined, { signal: this.run.signal });
    }
  }

  private leave(entries: Leftover): void {
    this.onTheirWay.add(entries);
  }

  private async take(entry: EntryRef): Promise<void> {
    this.due.push(entry);
    if (this.due.length >= pageEntries) await this.handOver();
  }

  private async handOver(): Promise<void> {
    const { dispatcher } = this.context;
    this.onTheirWay.add(await dispatcher.dispatch(this.due, this.step.runId));
    this.due = [];
    await this.onTheirWay.drain(mostOnTheirWay, this.run);
  }

  private async recordSkips(): Promise<void> {
    const { catalog, ids, hostId } = this.context;
    await recordSkips(catalog, ids, { id: this.step.runId, hostId }, this.skips);
    this.skips = [];
  }

  private async mayAllGo(): Promise<boolean> {
    if (this.gone === 0) return true;
    const { deletedLately, entries } = await this.context.catalog.deletionLoad(this.step.sourceId);
    return allowsDeletion({ deletedLately: deletedLately + this.gone - 1, entries });
  }
}
