import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.ts';
import type { Id } from '../domain/records.ts';
import type { Dispatcher } from './dispatcher.ts';

/** How often the catalog is asked, and after how many questions without progress a workflow is started again. */
const pollMs = 250;
const restartAfterPolls = 240;
/** How many entries one question is about. */
const askedAtOnce = 500;

export interface Draining {
  readonly signal: AbortSignal;
  /** Told after each question. */
  readonly onProgress?: (left: number) => void;
  /** Wraps each call of the catalog and of Temporal, e.g. to try again while they are away. */
  readonly calling?: <T>(call: () => Promise<T>) => Promise<T>;
}

/** Entries that were handed over to the pipeline and have no outcome yet. */
export class Unsettled {
  private readonly catalog: Catalog;
  private readonly dispatcher: Pick<Dispatcher, 'dispatch' | 'start'>;
  private readonly runId: Id;
  private readonly hints = new Map<Id, number>();

  constructor(catalog: Catalog, dispatcher: Pick<Dispatcher, 'dispatch' | 'start'>, runId: Id) {
    this.catalog = catalog;
    this.dispatcher = dispatcher;
    this.runId = runId;
  }

  get size(): number {
    return this.hints.size;
  }

  /** The hint that each of them waits for. */
  get waiting(): ReadonlyMap<Id, number> {
    return this.hints;
  }

  /** @param hints as {@link Dispatcher.dispatch} gave them */
  add(hints: ReadonlyMap<Id, number>): void {
    for (const [id, hint] of hints) this.hints.set(id, hint);
  }

  /**
   * Waits until at most `most` of them are left, oldest first. A workflow that ended without settling its entry is started
   * again. Throws the signal's reason.
   */
  async drain(most: number, { signal, onProgress, calling = (call) => call() }: Draining): Promise<void> {
    for (let polls = 1; this.hints.size > most; polls++) {
      signal.throwIfAborted();
      const asked = new Map([...this.hints].slice(0, askedAtOnce));
      const left = new Set(await calling(() => this.catalog.unsettled(asked)));
      for (const id of asked.keys()) if (!left.has(id)) this.hints.delete(id);
      onProgress?.(this.hints.size);
      if (left.size < asked.size) polls = 1;
      if (left.size < askedAtOnce / 2 && this.hints.size > left.size) continue;
      if (polls % restartAfterPolls === 0)
        for (const id of left) await calling(() => this.dispatcher.start(id, this.runId));
      if (this.hints.size > most) await sleep(pollMs, undefined, { signal }).catch(() => {});
    }
  }
}
