import type { TestInstallation } from '../test/support/installation.ts';

/** What the stack's own counters say at one moment; only differences mean something. */
export interface Counters {
  /** Seconds all runs of each pipeline step took, and how many runs there were. */
  readonly stepSeconds: Readonly<Record<string, number>>;
  readonly stepRuns: Readonly<Record<string, number>>;
  /** Requests by operation of S3. */
  readonly s3Requests: Readonly<Record<string, number>>;
  readonly postgres: Readonly<Record<string, number>>;
}

/** @param workerMetrics address of the worker's metrics */
export async function readCounters(stack: TestInstallation, workerMetrics: string): Promise<Counters> {
  const metrics = await (await fetch(workerMetrics)).text();
  const [postgres = {}] = await stack.query<Record<string, number>>(postgresCounters);
  return {
    stepSeconds: byStep(metrics, 'sum'),
    stepRuns: byStep(metrics, 'count'),
    s3Requests: countBy(stack.requests().map((request) => request.operation.replace(/^s3_/, ''))),
    postgres: Object.fromEntries(Object.entries(postgres).map(([name, value]) => [name, Number(value)])),
  };
}

/** PostgreSQL 18 manual, "The Cumulative Statistics System"; a process reports what it did at most once a second. */
const postgresCounters = `
  select (select xact_commit from pg_stat_database where datname = current_database()) as transactions,
         (select wal_bytes from pg_stat_wal) as "walBytes",
         (select sum(fsyncs) from pg_stat_io where object = 'wal') as "walSyncs"`;

/** The samples of `holdfast_step_duration_seconds` in Prometheus' text format. */
function byStep(metrics: string, sample: 'sum' | 'count'): Record<string, number> {
  const lines = metrics.matchAll(
    new RegExp(`^holdfast_step_duration_seconds_${sample}\\{step="(\\w+)"\\} (\\S+)$`, 'gm'),
  );
  return Object.fromEntries([...lines].map(([, step, value]) => [step, Number(value)]));
}

function countBy(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(values, (value) => value)).map(([value, all]) => [value, all?.length ?? 0]),
  );
}
