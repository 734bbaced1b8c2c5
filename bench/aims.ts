import { percentile } from './statistics.ts';
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
  readonly files: number;
  readonly seconds: number;
  readonly filesPerSecond: number;
  readonly mbPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMemoryMb: number;
  readonly requests: number;
  readonly bytesStored: number;
  /** `event` only: from a file's close to its lock in S3, each file of the run. Seconds. */
  readonly latencies?: readonly number[];
}

export interface Aim {
  readonly id: string;
  readonly what: string;
  /** Median of ours by median of theirs; seconds for event-p99, MB for memory. */
  readonly ratio: number;
  readonly target: number;
  readonly met: boolean;
}

const comparisons: readonly { id: string; what: string; case: CaseName; theirs: ToolName; target: number }[] =
  [
    {
      id: 'small-scan',
      what: 'first sweep of the source code, scan included, against clamdscan then restic',
      case: 'small-scan',
      theirs: 'clamdscan+restic',
      target: 1,
    },
    {
      id: 'small-vs-restic',
      what: 'the same without scan, against restic',
      case: 'small',
      theirs: 'restic',
      target: 1.5,
    },
    {
      id: 'small-vs-rclone',
      what: 'the same without scan, against rclone crypt',
      case: 'small',
      theirs: 'rclone',
      target: 0.33,
    },
    {
      id: 'large-scan',
      what: 'the binaries, scan included, against clamdscan then restic',
      case: 'large-scan',
      theirs: 'clamdscan+restic',
      target: 1,
    },
    {
      id: 'large',
      what: 'the binaries without scan, against restic',
      case: 'large',
      theirs: 'restic',
      target: 1,
    },
    {
      id: 'unchanged',
      what: "second sweep of the source code, against restic's second run",
      case: 'unchanged',
      theirs: 'restic',
      target: 1,
    },
  ];

/** What is promised, as far as the rows tell. */
export function aimsOf(rows: readonly Row[]): Aim[] {
  const of = (name: CaseName, tool: ToolName): Row[] =>
    rows.filter((row) => row.case === name && row.tool === tool);
  const seconds = (name: CaseName, tool: ToolName): number =>
    percentile(
      of(name, tool).map((row) => row.seconds),
      50,
    );
  const compared = comparisons.map(({ id, what, case: name, theirs, target }) =>
    aim(id, what, seconds(name, 'holdfast') / seconds(name, theirs), target),
  );
  const latencies = of('event', 'holdfast').flatMap((row) => row.latencies ?? []);
  const memory = of('memory', 'holdfast').map((row) => row.peakMemoryMb);
  return [
    ...compared,
    aim(
      'event-p99',
      'a new file while a sweep runs, until it is locked: seconds',
      percentile(latencies, 99),
      5,
    ),
    aim('memory', 'the largest process of ours: MB', Math.max(...memory), 400),
  ].filter(({ ratio }) => Number.isFinite(ratio));
}

const aim = (id: string, what: string, ratio: number, target: number): Aim => ({
  ...{ id, what, ratio, target },
  met: ratio <= target,
});
