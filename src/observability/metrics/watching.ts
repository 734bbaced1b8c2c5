import { Counter, type Registry } from 'prom-client';

/** What a watcher has met since it began. */
export interface Watched {
  /** The source's name. */
  readonly source: string;
  readonly totals: { readonly seen: number; readonly dispatched: number; readonly skipped: number };
}

export function observeWatching(registry: Registry, watched: readonly Watched[]): void {
  new Counter({
    name: 'holdfast_watched_entries_total',
    help: 'Entries that the watcher met: seen, handed over, or left out by a rule.',
    labelNames: ['source', 'what'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { source, totals } of watched)
        for (const [what, count] of Object.entries(totals)) this.inc({ source, what }, count);
    },
  });
}
