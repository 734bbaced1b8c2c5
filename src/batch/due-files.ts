import type { Catalog, EntryRef } from '../catalog/catalog.ts';
import { newRunId } from '../domain/ids.ts';
import type { EntryKind, Id } from '../domain/records.ts';
import type { Dispatcher } from '../watcher/dispatcher.ts';
import { batchOf, claimBatch, closedAmong, forgetClosed, passedOn, takeOverBatches } from './batch-table.ts';
import { largestInBatch } from './look.ts';

/** What one batch holds at most. */
const mostEntries = 512;
const mostBytes = 16 * 1024 * 1024;

/** Files that are larger share batches with each other only: the many small ones do not wait for them. Bytes. */
const smallBytes = 1024 * 1024;

/** What a sweep says of an entry that is to be looked at. */
export interface Due {
  readonly entry: EntryRef;
  readonly kind: EntryKind;
  readonly sizeBytes: number;
}

/** Entries that a batch did not take or did not end, with the hint each waits for. */
export type Leftover = ReadonlyMap<Id, number>;

export interface DueFilesContext {
  readonly catalog: Catalog;
  readonly dispatcher: Pick<Dispatcher, 'dispatch' | 'startBatch'>;
}

/** What will be a batch. */
interface Gathered {
  entries: EntryRef[];
  bytes: number;
}

/** Gathers what a sweep finds due into batches, and knows which of them are under way. */
export class DueFiles {
  private readonly context: DueFilesContext;
  private readonly sweep: { readonly sourceId: Id; readonly runId: Id };
  private readonly underWay = new Set<Id>();
  private readonly small: Gathered = { entries: [], bytes: 0 };
  private readonly larger: Gathered = { entries: [], bytes: 0 };

  constructor(context: DueFilesContext, sweep: { readonly sourceId: Id; readonly runId: Id }) {
    this.context = context;
    this.sweep = sweep;
  }

  /** Batches that are not done, as far as is known. */
  get size(): number {
    return this.underWay.size;
  }

  /** Takes up the batches that an earlier try of a sweep left behind. */
  async resume(): Promise<void> {
    const { catalog } = this.context;
    for (const batchId of await takeOverBatches(catalog, this.sweep)) await this.start(batchId);
  }

  static takes({ kind, sizeBytes }: Pick<Due, 'kind' | 'sizeBytes'>): boolean {
    return kind !== 'file' || sizeBytes <= largestInBatch;
  }

  /** Gives what is left to others when this filled a batch. */
  async add({ entry, sizeBytes }: Pick<Due, 'entry' | 'sizeBytes'>): Promise<Leftover> {
    const gathered = sizeBytes <= smallBytes ? this.small : this.larger;
    const isFull = gathered.entries.length >= mostEntries || gathered.bytes + sizeBytes > mostBytes;
    const left = isFull ? await this.begin(gathered) : new Map<Id, number>();
    gathered.entries.push(entry);
    gathered.bytes += sizeBytes;
    return left;
  }

  /** Starts batches of what was gathered, whether it fills them or not. */
  async handOver(): Promise<Leftover> {
    return new Map([...(await this.begin(this.small)), ...(await this.begin(this.larger))]);
  }

  /** Starts a batch. What somebody else looks at now is left to him, by signal. */
  private async begin(gathered: Gathered): Promise<Leftover> {
    const { entries } = gathered;
    if (entries.length === 0) return new Map();
    const { catalog, dispatcher } = this.context;
    gathered.entries = [];
    gathered.bytes = 0;
    const batchId = newRunId();
    const { hints, left } = await claimBatch(catalog, { id: batchId, ...this.sweep }, entries);
    if (hints.size > 0) await this.start(batchId);
    const others: EntryRef[] = [];
    for (const { entry, owner } of left) {
      const theirs = batchOf(owner);
      if (theirs === undefined) others.push(entry);
      else if (!this.underWay.has(theirs)) await this.start(theirs);
    }
    return dispatcher.dispatch(others, this.sweep.runId);
  }

  /** Looks which batches are done, and gives what they passed on. */
  async reap(): Promise<Leftover> {
    const { catalog } = this.context;
    const left = new Map<Id, number>();
    for (const batchId of await closedAmong(catalog, [...this.underWay])) {
      for (const [entryId, hint] of await passedOn(catalog, batchId)) left.set(entryId, hint);
      this.underWay.delete(batchId);
    }
    return left;
  }

  /** Starts again what should be under way and may not be. */
  async restart(): Promise<void> {
    for (const batchId of this.underWay) await this.start(batchId);
  }

  /** What done batches did is on record elsewhere. */
  async forget(): Promise<void> {
    await forgetClosed(this.context.catalog, this.sweep.sourceId);
  }

  private async start(batchId: Id): Promise<void> {
    await this.context.dispatcher.startBatch(batchId);
    this.underWay.add(batchId);
  }
}
