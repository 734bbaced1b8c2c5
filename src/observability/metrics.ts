import { collectDefaultMetrics, Registry } from 'prom-client';
import { DependencyMetrics } from './metrics/dependencies.ts';
import { PipelineMetrics } from './metrics/pipeline.ts';
import { StoreMetrics } from './metrics/stores.ts';
import { UpkeepMetrics } from './metrics/upkeep.ts';

/** Node's own: memory, CPU, event loop, open files. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * The worker's metrics, in Prometheus' conventions: every one is in docs/monitoring.md. Labels hold what the operator named
 * (sources, destinations) and words of ours, never an id or a path.
 */
export class Metrics {
  readonly registry = processRegistry();
  readonly pipeline: PipelineMetrics;
  readonly stores: StoreMetrics;
  readonly upkeep = new UpkeepMetrics(this.registry);
  readonly dependencies = new DependencyMetrics(this.registry);

  /** @param destinations their names in the configuration */
  constructor(destinations: readonly string[]) {
    this.pipeline = new PipelineMetrics(this.registry, destinations);
    this.stores = new StoreMetrics(this.registry, destinations);
  }
}
