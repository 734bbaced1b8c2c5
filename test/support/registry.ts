import type { Registry } from 'prom-client';
import { observeResources } from '../../src/observability/metrics/resources.ts';
import { StandingMetrics } from '../../src/observability/metrics/standing.ts';
import { observeWatching } from '../../src/observability/metrics/watching.ts';
import { Metrics } from '../../src/observability/metrics.ts';

/** Every metric of ours that any process has, as the worker and the watcher make them. */
export function wholeRegistry(): Registry {
  const { registry } = new Metrics(['primary']);
  const idle = { occupancy: { places: 1, inUse: 0, waiting: 0 } };
  observeResources(registry, {
    ...{ semaphores: { disk: idle }, partBuffers: idle, database: idle, stagingLimitBytes: 1, home: '/' },
  });
  new StandingMetrics(registry, { destinations: ['primary'], sources: ['docs'] });
  observeWatching(
    registry,
    [{ source: 'docs', totals: { seen: 0, dispatched: 0, skipped: 0 } }],
    () => false,
  );
  return registry;
}

export interface MetricRow {
  readonly name: string;
  readonly type: string;
  readonly labels: string;
  readonly meaning: string;
}

/** What a registry has of ours, by name. Prometheus' own clients tell of type and labels only here. */
export function metricRows(registry: Registry): MetricRow[] {
  const all = registry.getMetricsAsArray() as unknown as {
    name: string;
    type: string;
    labelNames: string[];
    help: string;
  }[];
  return all
    .filter(({ name }) => name.startsWith('holdfast_'))
    .map(({ name, type, labelNames, help }) => ({
      ...{ name, type, labels: labelNames.filter((label) => label !== 'le').join(', '), meaning: help },
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}
