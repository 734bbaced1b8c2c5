/**
 * Group commit: callers hand in a change and wait until it is durable; what arrives while a transaction runs
 * shares the next one. One fsync then serves many files, and nobody is told `done` before it is.
 */
export class GroupCommit<Change, Result> {
  private waiting: Waiting<Change, Result>[] = [];
  private running = false;
  private readonly commit: (changes: readonly Change[]) => Promise<readonly Result[]>;
  private readonly maxBatch: number;

  /**
   * @param commit writes all changes in one transaction and gives one result per change, in order
   * @param maxBatch most changes in one transaction
   */
  constructor(commit: (changes: readonly Change[]) => Promise<readonly Result[]>, maxBatch = 256) {
    this.commit = commit;
    this.maxBatch = maxBatch;
  }

  /** Resolves once the change is durable; rejects if its transaction failed. */
  write(change: Change): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ change, resolve, reject });
      if (!this.running) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.maxBatch);
      try {
        await this.settle(batch);
      } catch (error) {
        // One bad change must not fail its neighbours: each is tried alone.
        if (batch.length === 1) batch[0]?.reject(error);
        else for (const one of batch) await this.settle([one]).catch(one.reject);
      }
    }
    this.running = false;
  }

  private async settle(batch: Waiting<Change, Result>[]): Promise<void> {
    const results = await this.commit(batch.map((one) => one.change));
    for (const [index, one] of batch.entries()) one.resolve(results[index] as Result);
  }
}

interface Waiting<Change, Result> {
  readonly change: Change;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}
