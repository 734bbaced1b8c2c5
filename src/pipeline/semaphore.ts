/** Thrown by {@link Semaphore.run} when no place came free in time: nothing was begun. */
export class Busy extends Error {
  override readonly name = 'Busy';
}

/** How much there is of a bounded resource, how much is in use, and how many stand in line for it. */
export interface Occupancy {
  readonly places: number;
  readonly inUse: number;
  readonly waiting: number;
}

/**
 * Bounds how much of one resource (disk, scanner, upload) the whole process uses at once. First come, first served.
 */
export class Semaphore {
  private readonly places: number;
  private free: number;
  private readonly queue: (() => void)[] = [];

  /** @param places how many may run at once, at least 1 */
  constructor(places: number) {
    this.places = places;
    this.free = places;
  }

  get occupancy(): Occupancy {
    return { places: this.places, inUse: this.places - this.free, waiting: this.queue.length };
  }

  /** Runs `work` in a place of its own; throws {@link Busy} if none came free within `patienceMs`. */
  async run<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
    await this.acquire(patienceMs);
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
    }
  }

  private acquire(patienceMs: number): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.queue.splice(this.queue.indexOf(enter), 1);
        reject(new Busy());
      }, patienceMs);
      this.queue.push(enter);
    });
  }
}
