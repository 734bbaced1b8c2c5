import { table } from '../src/cli/output.ts';
import type { Measured } from './measure.ts';
import { percentile } from './statistics.ts';

/** What is promised of a result, and whether it was kept. */
export interface Aim {
  readonly what: string;
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean;
}

const workerLimitBytes = 350 * 1024 * 1024;

/** @param all in any order; each aim is one of the rows', by what it holds */
export function aims(rows: {
  readonly burst: Measured;
  readonly singles: Measured;
  readonly large: Measured;
}): Aim[] {
  const { burst, singles, large } = rows;
  const filesPerSecond = burst.files / burst.seconds;
  const p50Ms = percentile(singles.latenciesMs, 50);
  const megabytesPerSecond = large.bytes / 1_000_000 / large.seconds;
  const workerBytes = Math.max(...Object.values(rows).map((row) => row.peakMemoryBytes.worker ?? Number.NaN));
  return [
    {
      what: 'small files at once',
      aim: '≥ 25 files/s',
      measured: `${filesPerSecond.toFixed(1)} files/s`,
      met: filesPerSecond >= 25,
    },
    {
      what: 'one small file, closed to locked, p50',
      aim: '< 1 s',
      measured: `${(p50Ms / 1_000).toFixed(3)} s`,
      met: p50Ms < 1_000,
    },
    {
      what: 'the large file',
      aim: '≥ 60 MB/s',
      measured: `${megabytesPerSecond.toFixed(1)} MB/s`,
      met: megabytesPerSecond >= 60,
    },
    {
      what: "worker's peak memory",
      aim: '< 350 MiB',
      measured: mebibytes(workerBytes),
      met: workerBytes < workerLimitBytes,
    },
  ];
}

export function aimsText(all: readonly Aim[]): string {
  const lines = all.map(({ what, aim, measured, met }) => [what, aim, measured, met ? 'yes' : 'no']);
  return table([['', 'aim', 'measured', 'met'], ...lines]);
}

/** One result: speed, latency, then where CPU, memory, time and requests went. */
export function rowText(row: Measured): string {
  const { files, bytes, seconds, latenciesMs, counters } = row;
  const perFile = (value: number): string => (value / files).toFixed(value / files < 10 ? 2 : 0);
  const total = (values: Readonly<Record<string, number>>): number =>
    Object.values(values).reduce((sum, value) => sum + value, 0);
  const { elsewhere = 0, ...ours } = row.cpuSeconds;
  const services = Object.entries(ours).sort(([, a], [, b]) => b - a);
  return [
    `${row.name}`,
    table([
      ['files/s', (files / seconds).toFixed(1)],
      ['MB/s', (bytes / 1_000_000 / seconds).toFixed(1)],
      ['seconds', seconds.toFixed(2)],
      ['closed to locked p50', `${percentile(latenciesMs, 50).toFixed(0)} ms`],
      ['closed to locked p99', `${percentile(latenciesMs, 99).toFixed(0)} ms`],
      ['CPU', `${total(ours).toFixed(1)} s, and ${elsewhere.toFixed(1)} s elsewhere on this machine`],
    ]),
    table(
      [
        ['service', 'CPU s', 'CPU ms/file', 'peak memory'],
        ...services.map(([name, cpu]) => [
          name,
          cpu.toFixed(2),
          perFile(cpu * 1_000),
          mebibytes(row.peakMemoryBytes[name] ?? Number.NaN),
        ]),
      ],
      [1, 2, 3],
    ),
    table(
      [
        ['step', 'runs', 'ms each'],
        ...Object.entries(counters.stepRuns)
          .filter(([, runs]) => runs > 0)
          .map(([step, runs]) => [
            step,
            String(runs),
            (((counters.stepSeconds[step] ?? 0) * 1_000) / runs).toFixed(1),
          ]),
      ],
      [1, 2],
    ),
    table(
      [
        ['', 'in all', 'per file'],
        ...Object.entries(counters.s3Requests)
          .filter(([, count]) => count > 0)
          .map(([name, count]) => [`S3 ${name}`, String(count), perFile(count)]),
        ...Object.entries(counters.postgres).map(([name, count]) => [
          `Postgres ${name}`,
          String(count),
          perFile(count),
        ]),
      ],
      [1, 2],
    ),
  ].join('\n\n');
}

const mebibytes = (count: number): string => `${(count / 1024 / 1024).toFixed(0)} MiB`;
