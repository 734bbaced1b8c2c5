import { setTimeout as sleep } from 'node:timers/promises';
import type { TestInstallation } from '../test/support/installation.ts';
import { type Arrivals, lockTimes } from './arrivals.ts';
import { type Counters, readCounters } from './counters.ts';
import { cpuSeconds, peakMemoryBytes, resetPeakMemory } from './processes.ts';
import { stackServices } from './stack.ts';
import { added } from './statistics.ts';

export interface Measured {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** From the first file's close to the last file's lock. */
  readonly seconds: number;
  /** From each file's close to its lock, in the order of arrival. Milliseconds. */
  readonly latenciesMs: readonly number[];
  /** By service; `elsewhere` is what others on this machine took meanwhile. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Of each service's largest process. */
  readonly peakMemoryBytes: Readonly<Record<string, number>>;
  readonly counters: Counters;
}

/** Postgres' processes report their counters at most once a second. */
const countersSettleMs = 1_500;

/** Lets files arrive in a source and waits until all are locked in S3, and says what that took. */
export async function measure(
  stack: TestInstallation,
  name: string,
  source: string,
  arrive: () => Promise<Arrivals>,
): Promise<Measured> {
  const services = stackServices(stack);
  const { address } = await stack.service('worker');
  await sleep(countersSettleMs);
  const countersBefore = await readCounters(stack, address);
  resetPeakMemory(services);
  const cpuBefore = cpuSeconds(services);

  const arrivals = await arrive();
  const locked = await lockTimes(stack, source, arrivals);

  const cpu = added(cpuBefore, cpuSeconds(services));
  const memory = peakMemoryBytes(services);
  await sleep(countersSettleMs);
  const countersAfter = await readCounters(stack, address);
  const closed = [...arrivals.values()].map((file) => file.closedAt);
  return {
    name,
    files: arrivals.size,
    bytes: [...arrivals.values()].reduce((total, file) => total + file.sizeBytes, 0),
    seconds: (Math.max(...locked.values()) - Math.min(...closed)) / 1_000,
    latenciesMs: [...arrivals].map(([path, file]) => (locked.get(path) ?? Number.NaN) - file.closedAt),
    cpuSeconds: cpu,
    peakMemoryBytes: memory,
    counters: difference(countersBefore, countersAfter),
  };
}

function difference(before: Counters, after: Counters): Counters {
  return {
    stepSeconds: added(before.stepSeconds, after.stepSeconds),
    stepRuns: added(before.stepRuns, after.stepRuns),
    s3Requests: added(before.s3Requests, after.s3Requests),
    postgres: added(before.postgres, after.postgres),
  };
}
