import { createServer } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Outcome, outcomes } from '../domain/records.ts';

/** The process's metrics in Prometheus' conventions; labels hold outcomes and names of steps and destinations, never ids or paths. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly files = new Counter({
    name: 'holdfast_files_total',
    help: 'Versions that got their outcome in this process.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  private readonly steps = new Histogram({
    name: 'holdfast_step_duration_seconds',
    help: 'Time one run of a pipeline step took.',
    labelNames: ['step'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300],
    registers: [this.registry],
  });

  private readonly verifiedObjects = new Counter({
    name: 'holdfast_verify_objects_total',
    help: 'Objects that samples looked at in this process, and what of them was read.',
    labelNames: ['depth'],
    registers: [this.registry],
  });
  private readonly verifyMismatches = new Counter({
    name: 'holdfast_verify_mismatches_total',
    help: 'Objects, manifests and keyring documents that samples did not find as promised.',
    labelNames: ['remedy'],
    registers: [this.registry],
  });
  private readonly verifiedAt = new Gauge({
    name: 'holdfast_verify_last_success_timestamp_seconds',
    help: 'When a sample was last verified to its end in this process; 0 before the first.',
    registers: [this.registry],
  });
  private readonly rescans = new Counter({
    name: 'holdfast_rescanned_contents_total',
    help: 'Stored contents that were scanned again in this process, by what was found.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  private readonly lagSeconds = new Gauge({
    name: 'holdfast_manifest_lag_seconds',
    help: 'Age of the oldest settled version that no manifest lists yet, of all sources; 0 where there is none.',
    registers: [this.registry],
  });
  private readonly lagVersions = new Gauge({
    name: 'holdfast_manifest_lag_versions',
    help: 'Settled versions that no manifest lists yet, of all sources.',
    registers: [this.registry],
  });

  private readonly holdsOpen = new Gauge({
    name: 'holdfast_holds_open',
    help: 'Held files that wait for a decision.',
    registers: [this.registry],
  });
  private readonly holdsImpaired = new Gauge({
    name: 'holdfast_holds_impaired',
    help: 'Held files whose staged bytes are damaged or missing, or whose host does not answer.',
    registers: [this.registry],
  });
  private readonly oldestHoldSeconds = new Gauge({
    name: 'holdfast_holds_oldest_seconds',
    help: 'Age of the oldest held file that waits for a decision; 0 where there is none.',
    registers: [this.registry],
  });
  private readonly stagingFull = new Gauge({
    name: 'holdfast_staging_turned_away',
    help: 'Entries that failed because the staging folder had no room for what would have to be held.',
    registers: [this.registry],
  });
  private readonly holdReminders = new Counter({
    name: 'holdfast_hold_reminders_total',
    help: 'Reminders of held files that wait for a decision, given by this process.',
    registers: [this.registry],
  });

  private readonly missingCopies = new Gauge({
    name: 'holdfast_copies_missing',
    help: 'Versions whose copy in a destination is planned and not made; by destination, where there are several.',
    labelNames: ['destination'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const outcome of outcomes) this.files.inc({ outcome }, 0);
  }

  rescanned(result: string): void {
    this.rescans.inc({ result });
  }

  settled(outcome: Outcome): void {
    this.files.inc({ outcome });
  }

  stepTook(step: string, seconds: number): void {
    this.steps.observe({ step }, seconds);
  }

  /** Counts a sample. Repaired mismatches count too: somebody did something. */
  verified(sample: { checked: number; read: number; mismatches: number; repaired: number }): void {
    this.verifiedObjects.inc({ depth: 'checked' }, sample.checked);
    this.verifiedObjects.inc({ depth: 'read' }, sample.read);
    this.verifyMismatches.inc({ remedy: 'none' }, sample.mismatches - sample.repaired);
    this.verifyMismatches.inc({ remedy: 'repaired' }, sample.repaired);
    this.verifiedAt.setToCurrentTime();
  }

  /** How far the manifests of each source are behind the catalog. */
  manifestsBehind(lags: readonly { readonly versions: number; readonly oldestSeconds: number }[]): void {
    this.lagSeconds.set(Math.max(0, ...lags.map(({ oldestSeconds }) => oldestSeconds)));
    this.lagVersions.set(lags.reduce((sum, { versions }) => sum + versions, 0));
  }

  /** A held file still waits. */
  holdReminded(): void {
    this.holdReminders.inc();
  }

  /** What waits for decisions, of all hosts. */
  holds(totals: { open: number; oldestSeconds: number; impaired: number; turnedAway: number }): void {
    this.holdsOpen.set(totals.open);
    this.oldestHoldSeconds.set(totals.oldestSeconds);
    this.holdsImpaired.set(totals.impaired);
    this.stagingFull.set(totals.turnedAway);
  }

  /** How many copies each destination lacks. */
  copiesMissing(counts: readonly { readonly destination: string; readonly planned: number }[]): void {
    for (const { destination, planned } of counts) this.missingCopies.set({ destination }, planned);
  }

  /** Serves `GET /metrics` on a loopback port until the process ends. */
  serve(port: number): void {
    createServer(async (request, response) => {
      if (request.url !== '/metrics') return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': this.registry.contentType });
      return response.end(await this.registry.metrics());
    })
      .listen(port, '127.0.0.1')
      .unref();
  }
}
