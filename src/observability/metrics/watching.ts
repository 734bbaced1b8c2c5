import { Counter, Gauge, type Registry } from 'prom-client';

/** What a watcher has met since it began. */
export interface Watched {
  /** The source's name. */
  readonly source: string;
  readonly totals: { readonly seen: number; readonly dispatched: number; readonly skipped: number };
}

/** @param isDisturbed whether something keeps the watcher from a source, which `status` says in a sentence */
export function observeWatching(
  registry: Registry,
  watched: readonly Watched[],
  isDisturbed: (source: string) => boolean,
): void {
  const registers = [registry];
  new Counter({
    name: 'holdfast_watched_entries_total',
    help: 'Entries that the watcher met: seen, handed over, or left out by a rule.',
    labelNames: ['source', 'what'],
    registers,
    collect() {
      this.reset();
      for (const { source, totals } of watched)
        for (const [what, count] of Object.entries(totals)) this.inc({ source, what }, count);
    },
  });
  new Gauge({
    name: 'holdfast_source_disturbed',
    help: 'Whether the source is away, is another folder, or cannot be watched; `holdfast status` says which.',
    labelNames: ['source'],
    registers,
    collect() {
      for (const { source } of watched) this.set({ source }, isDisturbed(source) ? 1 : 0);
    },
  });
}
