import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.ts';
import { Busy, Semaphore } from '../pipeline/semaphore.ts';

/** How often the place is asked for while another host has it. */
const pollMs = 50;

/** One place for all processes of a cluster: held in the catalog, and gone with the connection of whoever holds it. */
export class ClusterSemaphore extends Semaphore {
  readonly #catalog: Catalog;
  readonly #lock: number;

  /** @param lock advisory lock of Postgres that stands for the place */
  constructor(catalog: Catalog, lock: number) {
    super(1);
    this.#catalog = catalog;
    this.#lock = lock;
  }

  override run<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
    const until = performance.now() + patienceMs;
    return super.run(async () => {
      for (;;) {
        const done = await this.#catalog.withLock(
          this.#lock,
          async () => ({ value: await work() }),
          undefined,
        );
        if (done !== undefined) return done.value;
        if (performance.now() > until) throw new Busy();
        await sleep(pollMs);
      }
    }, patienceMs);
  }
}
