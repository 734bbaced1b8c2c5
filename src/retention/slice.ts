import { auditEvent } from '../audit/event.ts';
import {
  expireVersions,
  forgetManifest,
  keepManifest,
  sourceRetention,
  takeForDeletion,
  takeOldManifests,
  type UnneededObject,
  unneededObjects,
} from '../catalog/retention-query.ts';
import type { AuditRow } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import type { RetainAnswer, RetainProgress, RetainStep, RetainTotals } from '../domain/steps.ts';
import type { StepRun } from '../pipeline/context.ts';
import { Busy } from '../pipeline/semaphore.ts';
import { mapUnordered } from '../restore/map-unordered.ts';
import { agreeingClocks, type Clocks } from './clocks.ts';
import type { RetentionContext } from './context.ts';
import { type Deletion, deleteObject, deleteVersion } from './delete.ts';
import { dueLocks, extend } from './extend.ts';
import { type JudgedVersion, judgedPages, passStart } from './judged.ts';
import { coverHeld, finishReleases, type HoldingContext } from './legal-hold.ts';

/** Requests to the buckets at once: files that are being protected come first. */
const requestsAtOnce = 4;
const pageObjects = 100;

const noTotals: RetainTotals = {
  ...{ versions: 0, extended: 0, refused: 0, expired: 0, held: 0 },
  ...{ deleted: 0, bytesFreed: 0, deferred: 0, denied: 0, manifestsDeleted: 0, unreachable: 0, paused: 0 },
};

/**
 * One slice of a source's retention, from where the last one ended: extends locks and lets versions expire, then deletes
 * what nothing needs and whose lock has ended, then old manifests. May be cut off anywhere and run again.
 * Failures: `clock_skew`, `policy_unavailable`, `s3_unavailable` where no destination answers.
 */
export async function retainSlice(
  context: RetentionContext,
  step: RetainStep,
  run: Pick<StepRun, 'signal' | 'heartbeat'>,
): Promise<RetainAnswer> {
  const { catalog, hostId, destinations } = context;
  const { sourceId, runId, actor } = step;
  const clocks = await agreeingClocks(catalog, destinations);
  const { pausedAt, pinnedAt } = await sourceRetention(catalog, sourceId);
  if (step.progress === undefined)
    await catalog.startRun({ id: runId, kind: 'retention', sourceId, hostId, actor });
  const slice = new Slice(context, step, run, clocks, step.progress?.totals ?? noTotals);
  if (pausedAt !== null) slice.count({ paused: 1 - slice.totals.paused });

  const progress: RetainProgress = step.progress ?? { phase: 'versions', at: passStart, totals: noTotals };
  if (progress.phase === 'versions') {
    if (step.progress === undefined) await finishReleases(holding(context), sourceId);
    const { result: classes } = await context.policy.retentionClasses();
    const terms = { sourceId, classes, now: clocks.catalog, pinnedAt };
    for await (const { versions, next } of judgedPages(catalog, terms, progress.at)) {
      await slice.retain(versions, pausedAt !== null);
      if (slice.isOver())
        return { next: 'more', progress: { phase: 'versions', at: next, totals: slice.totals } };
    }
  }
  if (pausedAt === null) {
    const after = await slice.deleteObjects(progress.phase === 'objects' ? progress.after : '');
    if (after !== undefined)
      return { next: 'more', progress: { phase: 'objects', after, totals: slice.totals } };
    await slice.deleteManifests();
  }
  return end(context, step, slice.totals);
}

/** Ends a run that cannot go on. A run that never began is told of too. */
export async function recordFailedRun(
  { catalog, ids, hostId }: RetentionContext,
  {
    sourceId,
    runId,
    actor,
    code,
  }: Pick<RetainStep, 'sourceId' | 'runId' | 'actor'> & { readonly code: string },
): Promise<void> {
  await catalog.startRun({ id: runId, kind: 'retention', sourceId, hostId, actor });
  await catalog.endRun(runId, 'failed', {});
  // One that had ended well before it was called off is told of already.
  if ((await catalog.endedRun(runId))?.result !== 'failed') return;
  const event = auditEvent(ids, {
    ...{ subject: runId, step: 'run', run: runId, host: hostId, actor, source: sourceId },
    facts: { kind: 'retention', result: 'failed', code },
  });
  await catalog.write({ events: [event] });
}

async function end(
  { catalog, ids, hostId }: RetentionContext,
  { sourceId, runId, actor }: RetainStep,
  totals: RetainTotals,
): Promise<RetainAnswer> {
  const isWhole = totals.unreachable + totals.denied + totals.refused === 0;
  await catalog.endRun(runId, isWhole ? 'complete' : 'incomplete', { ...totals });
  const ended = await catalog.endedRun(runId);
  const event = auditEvent(ids, {
    ...{ subject: runId, step: 'run', run: runId, host: hostId, actor, source: sourceId },
    facts: { kind: 'retention', ...ended },
  });
  await catalog.write({ events: [event] });
  return { next: 'retained', result: ended?.result ?? 'failed' };
}

class Slice {
  totals: RetainTotals;
  readonly #context: RetentionContext;
  readonly #step: RetainStep;
  readonly #run: Pick<StepRun, 'signal' | 'heartbeat'>;
  readonly #clocks: Clocks;
  readonly #endsMs: number;

  constructor(
    context: RetentionContext,
    step: RetainStep,
    run: Pick<StepRun, 'signal' | 'heartbeat'>,
    clocks: Clocks,
    totals: RetainTotals,
  ) {
    this.#context = context;
    this.#step = step;
    this.#run = run;
    this.#clocks = clocks;
    this.totals = totals;
    this.#endsMs = performance.now() + step.sliceMs;
  }

  isOver(): boolean {
    return performance.now() >= this.#endsMs;
  }

  count(more: Partial<RetainTotals>): void {
    const sum = { ...this.totals };
    for (const [name, value] of Object.entries(more)) sum[name as keyof RetainTotals] += value;
    this.totals = sum;
  }

  /** Locks what stays, holds what is held, lets the rest expire unless the source is paused. */
  async retain(versions: readonly JudgedVersion[], isPaused: boolean): Promise<void> {
    const { destinations } = this.#context;
    const objects = versions.flatMap((version) => version.objects);
    const unreachable = objects.filter(({ destination }) => !this.#clocks.destinations.has(destination));
    this.count({ versions: versions.length, unreachable: unreachable.length });
    await this.#each(dueLocks(versions, destinations, this.#clocks), async (due) => {
      this.count({ [await extend(this.#context, due)]: 1 });
    });
    this.count({ held: await coverHeld(holding(this.#context), versions, this.#clocks) });
    if (isPaused) return;
    const expired = versions.filter(({ verdict }) => verdict.is === 'expired');
    if (expired.length === 0) return;
    const events = new Map(expired.map((version) => [version.id, this.#expiryEvent(version)]));
    const { catalog } = this.#context;
    this.count({ expired: settled(await expireVersions(catalog, this.#step.sourceId, events)).length });
  }

  #expiryEvent({ id, entryId, retentionClass }: JudgedVersion): AuditRow {
    const { ids, hostId } = this.#context;
    const { runId: run, actor, sourceId: source } = this.#step;
    return auditEvent(ids, {
      ...{ subject: id, step: 'retention', run, host: hostId, actor, source, entry: entryId, version: id },
      facts: { action: 'expired', class: retentionClass },
    });
  }

  /** Deletes what nothing needs. Gives the place to go on from, if the slice ends before it is through. */
  async deleteObjects(from: Id): Promise<Id | undefined> {
    const { catalog } = this.#context;
    const { sourceId } = this.#step;
    const now = this.#earliestClock();
    const deleting = await this.#context.openDeleting();
    try {
      for (let after = from; ; ) {
        const page = await unneededObjects(catalog, sourceId, {
          after,
          limit: pageObjects,
          lockEndedBy: now,
        });
        const last = page.at(-1);
        if (last === undefined) return undefined;
        const within = page.filter(({ destination }) => this.#clocks.destinations.has(destination));
        this.count({ unreachable: page.length - within.length });
        const ids = within.map(({ id }) => id);
        const taken = settled(await takeForDeletion(catalog, sourceId, ids, now));
        this.#context.failPoints.reach('taken-for-deletion');
        await this.#each(taken, (object) => this.#delete(object, deleting));
        after = last.id;
        if (page.length < pageObjects) return undefined;
        if (this.isOver()) return after;
      }
    } finally {
      for (const store of deleting.values()) store.close();
    }
  }

  async #delete(object: UnneededObject, deleting: Stores): Promise<void> {
    const { runId, sourceId, actor } = this.#step;
    const run = { runId, sourceId, actor, now: this.#earliestClock() };
    const outcome = await deleteObject(
      this.#context,
      object,
      this.#storesOf(object.destination, deleting),
      run,
    );
    this.#noteDenied(outcome, object.destination);
    this.count({ [outcome]: 1, bytesFreed: outcome === 'deleted' ? object.lengthBytes : 0 });
  }

  /** A failed access like any other: neither a lock nor a hold is in the way. */
  #noteDenied(outcome: Deletion['is'], destination: string): void {
    if (outcome !== 'denied') return;
    this.#context.noteRefusal({ what: 's3_denied', destination, right: 's3:DeleteObjectVersion' });
  }

  /** Deletes manifests that no recovery needs. */
  async deleteManifests(): Promise<void> {
    const { catalog } = this.#context;
    const { sourceId } = this.#step;
    const now = this.#earliestClock();
    const deleting = await this.#context.openDeleting();
    try {
      for (let deleted = pageObjects; deleted > 0 && !this.isOver(); ) {
        deleted = 0;
        const within = [...this.#clocks.destinations.keys()];
        const old = await takeOldManifests(catalog, sourceId, within, now, pageObjects);
        await this.#each(old, async (manifest) => {
          const name = { key: manifest.key, versionId: manifest.s3VersionId };
          const stores = this.#storesOf(manifest.destination, deleting);
          const deletion = await deleteVersion(name, stores, now);
          if (deletion.is === 'deleted') {
            await forgetManifest(catalog, sourceId, manifest);
            deleted++;
          } else {
            this.#noteDenied(deletion.is, manifest.destination);
            await keepManifest(catalog, sourceId, manifest, deletion.lockedUntil);
            this.count({ [deletion.is]: 1 });
          }
        });
        this.count({ manifestsDeleted: deleted });
      }
    } finally {
      for (const store of deleting.values()) store.close();
    }
  }

  #storesOf(destination: string, deleting: Stores): Parameters<typeof deleteVersion>[1] {
    const [store, right] = [this.#context.destinations.get(destination)?.store, deleting.get(destination)];
    if (store === undefined || right === undefined) throw new TypeError('only what answers is deleted from');
    return { store, deleting: right };
  }

  /** Locks may have ended only by every destination's clock. */
  #earliestClock(): Date {
    return new Date(Math.min(...[...this.#clocks.destinations.values()].map((time) => time.getTime())));
  }

  async #each<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
    const { signal, heartbeat } = this.#run;
    const each = async function* () {
      for (const item of items) {
        signal.throwIfAborted();
        yield item;
      }
    };
    for await (const _ of mapUnordered(each(), requestsAtOnce, work, () => {})) heartbeat();
  }
}

const holding = (context: RetentionContext): HoldingContext => ({
  ...context,
  warn: (facts, message) => context.log.warn(facts, message),
});

type Stores = Awaited<ReturnType<RetentionContext['openDeleting']>>;

/** What was done; {@link Busy} where another run does the like. */
function settled<T>(done: T | undefined): T {
  if (done === undefined) throw new Busy();
  return done;
}
