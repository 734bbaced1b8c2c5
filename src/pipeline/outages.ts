import type { ObjectStore } from '../storage/object-store.ts';
import type { Trouble } from './trouble.ts';

/** For how long a destination in trouble is asked last. Milliseconds. */
const rememberedMs = 15_000;

/** Moments of the process's monotonic clock. */
const noted = new WeakMap<ObjectStore, { readonly atMs: number; readonly trouble: Trouble }>();

function troubleNow(store: ObjectStore): Trouble | undefined {
  const last = noted.get(store);
  return last !== undefined && performance.now() - last.atMs < rememberedMs ? last.trouble : undefined;
}

/**
 * What this process knows of destinations in trouble, so that one of several that is down costs its timeouts once every
 * few seconds and not once per file.
 */
export const outages = {
  note(store: ObjectStore, trouble: Trouble = 'away'): void {
    noted.set(store, { atMs: performance.now(), trouble });
  },

  /** Whether it gave no answer just now: what has another place need not ask it. */
  has: (store: ObjectStore): boolean => troubleNow(store) === 'away',

  /** Whether anything was wrong with it just now: the others come first. */
  isTroubled: (store: ObjectStore): boolean => troubleNow(store) !== undefined,

  /** It answers again. */
  end(store: ObjectStore): void {
    noted.delete(store);
  },
};
