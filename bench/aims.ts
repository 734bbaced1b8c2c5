import { median, percentile } from './statistics.ts';
import type { ToolName } from './tools.ts';

export const caseNames = [
  'small-scan',
  'small',
  'large-scan',
  'large',
  'unchanged',
  'event',
  'memory',
] as const;
export type CaseName = (typeof caseNames)[number];

/** One run of one tool. */
export interface Row {
  readonly case: CaseName;
  readonly tool: ToolName;
  /** From 1; the tools take turns in each. */
  readonly round: number;
  /** `memory` only: a `first` or `unchanged` sweep of many files, or a `sparse` file. */
  readonly what?: string;
  readonly files: number;
  readonly seconds: number;
  readonly filesPerSecond: number;
  readonly mbPerSecond: number;
  /** Of all processes that worked for the tool, the S3 server among them. */
  readonly cpuSeconds: number;
  /** The same by process, children with their parents. */
  readonly cpuByProcess: Readonly<Record<string, number>>;
  /** Of the tool's largest process, without the S3 server, which is the same for all. */
  readonly peakMemoryMb: number;
  readonly requests: number;
  readonly bytesStored: number;
  /** `event` only: from a file's close to its lock in S3, each file of the run. Seconds. */
  readonly latencies?: readonly number[];
  /** Why the row does not count: what it stored could not be verified, or was not what a restore gave back. */
  readonly void?: string;
}

export interface Aim {
  readonly id: string;
  readonly what: string;
  /** Median of ours, and of theirs where there is another tool: seconds, for `memory` MB. */
  readonly ours: number;
  readonly theirs?: number;
  /** Ours by theirs; seconds for event-p99, MB for memory. */
  readonly ratio: number;
  readonly target: number;
  readonly met: boolean;
  /** Where the time of ours goes: median CPU seconds by process, the largest first; what took less than 1 % left out. */
  readonly cpuByProcess: Readonly<Record<string, number>>;
  /** Cores that ours kept busy on average. */
  readonly busyCores: number;
}

interface Comparison {
  readonly id: string;
  readonly what: string;
  readonly case: CaseName;
  readonly theirs: ToolName;
  readonly target: number;
}

const comparisons: readonly Comparison[] = [
  {
    id: 'small-scan',
    what: 'first sweep of the source code, scan included, against clamdscan then restic',
    ...{ case: 'small-scan', theirs: 'clamdscan+restic', target: 1 },
  },
  {
    id: 'small-vs-restic',
    what: 'the same without scan, against restic',
    ...{ case: 'small', theirs: 'restic', target: 1.5 },
  },
  {
    id: 'small-vs-rclone',
    what: 'the same without scan, against rclone crypt',
    ...{ case: 'small', theirs: 'rclone', target: 0.33 },
  },
  {
    id: 'large-scan',
    what: 'the binaries, scan included, against clamdscan then restic',
    ...{ case: 'large-scan', theirs: 'clamdscan+restic', target: 1 },
  },
  {
    id: 'large',
    what: 'the binaries without scan, against restic',
    ...{ case: 'large', theirs: 'restic', target: 1 },
  },
  {
    id: 'unchanged',
    what: "second sweep of the source code, against restic's second run",
    ...{ case: 'unchanged', theirs: 'restic', target: 1 },
  },
];

/** What is promised, as far as the rows tell. Void rows tell nothing. */
export function aimsOf(rows: readonly Row[]): Aim[] {
  const of = (name: CaseName, tool: ToolName): Row[] =>
    rows.filter((row) => row.case === name && row.tool === tool && row.void === undefined);
  const compared = comparisons.map(({ id, what, case: name, theirs: tool, target }) => {
    const rows = of(name, 'holdfast');
    const ours = medianOf(rows, ({ seconds }) => seconds);
    const theirs = medianOf(of(name, tool), ({ seconds }) => seconds);
    return aim({ id, what, ours, theirs, ratio: ours / theirs, target }, rows);
  });
  const events = of('event', 'holdfast');
  const slowest = percentile(
    events.flatMap(({ latencies = [] }) => latencies),
    99,
  );
  const memory = of('memory', 'holdfast');
  const largest = Math.max(...memory.map(({ peakMemoryMb }) => peakMemoryMb));
  return [
    ...compared,
    aim(
      {
        id: 'event-p99',
        what: 'a new file while a sweep runs, until it is locked: seconds',
        ...{ ours: slowest, ratio: slowest, target: 5 },
      },
      events,
    ),
    aim(
      { id: 'memory', what: 'the largest process of ours: MB', ours: largest, ratio: largest, target: 400 },
      memory,
    ),
  ].filter(({ ratio }) => Number.isFinite(ratio));
}

function aim(
  facts: Pick<Aim, 'id' | 'what' | 'ours' | 'theirs' | 'ratio' | 'target'>,
  ours: readonly Row[],
): Aim {
  return {
    ...facts,
    met: facts.ratio <= facts.target,
    cpuByProcess: cpuOf(ours),
    busyCores: medianOf(ours, ({ cpuSeconds, seconds }) => cpuSeconds / seconds),
  };
}

function cpuOf(rows: readonly Row[]): Record<string, number> {
  const names = new Set(rows.flatMap(({ cpuByProcess }) => Object.keys(cpuByProcess)));
  const all = [...names].map((name) => [name, medianOf(rows, (row) => row.cpuByProcess[name] ?? 0)] as const);
  const sum = all.reduce((total, [, seconds]) => total + seconds, 0);
  return Object.fromEntries(all.filter(([, seconds]) => seconds >= sum / 100).sort(([, a], [, b]) => b - a));
}

export const medianOf = (rows: readonly Row[], value: (row: Row) => number): number =>
  median(rows.map(value));
