import type { ObjectStore } from '../storage/object-store.ts';

/** For how long a destination that gave no answer is asked last. Milliseconds. */
const rememberedMs = 15_000;

/** Moments of the process's monotonic clock. */
const notedAt = new WeakMap<ObjectStore, number>();

/**
 * What this process knows of destinations in trouble, so that one of several that is down costs its timeouts once every
 * few seconds and not once per file.
 */
export const outages = {
  note(store: ObjectStore): void {
    notedAt.set(store, performance.now());
  },

  has(store: ObjectStore): boolean {
    return performance.now() - (notedAt.get(store) ?? Number.NEGATIVE_INFINITY) < rememberedMs;
  },

  /** It answers again. */
  end(store: ObjectStore): void {
    notedAt.delete(store);
  },
};
