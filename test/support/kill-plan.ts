import { type PipelineStep, pipelineSteps } from '../../src/audit/event.ts';
import type { FailPointName } from '../../src/pipeline/fail-points.ts';

/** Which work meets the kill: files of one sweep together, single files that are noticed, one file in several parts. */
const lanes = ['batch', 'single', 'large'] as const;
export type Lane = (typeof lanes)[number];

/** How often each process is killed in fifty runs. */
const shares = {
  worker: 13,
  watcher: 6,
  temporal: 7,
  postgres: 8,
  s3: 7,
  clamd: 4,
  opa: 2,
  supervisor: 3,
} as const;
export type KilledProcess = keyof typeof shares;

/** Where a file is when it has just been through a step; in the upload, on its way through it. */
const ends = {
  fingerprint: 'after-fingerprint',
  duplicate_check: 'after-duplicate-check',
  admission: 'after-admission',
  scan: 'after-scan',
  seal: 'after-seal',
  release: 'before-intent',
  read_back: 'after-read-back',
  commit: 'after-commit',
} as const satisfies Partial<Record<PipelineStep, FailPointName>>;
const inOneRequest: readonly FailPointName[] = ['after-intent', 'after-put'];
const inParts: readonly FailPointName[] = [
  'after-intent',
  'after-multipart-created',
  'after-part',
  'before-complete',
  'after-complete',
];

export interface Kill {
  /** From 1. */
  readonly run: number;
  readonly process: KilledProcess;
  readonly step: PipelineStep;
  readonly point: FailPointName;
  readonly lane: Lane;
  /** The worker stands still (or dies) when it gets to the point for the so-manieth time. */
  readonly count: number;
  /** The kill comes so long after the worker went on; undefined: while it stands still at the point. Never of the worker. */
  readonly delayMs: number | undefined;
}

/**
 * Fifty kills of every process at every step, in an order and with moments that the seed draws. Each step is met five times
 * at least, and every step by the worker.
 */
export function killPlan(seed: number): readonly Kill[] {
  const random = randomFrom(seed);
  const processes = Object.entries(shares).flatMap(([name, times]) =>
    Array<KilledProcess>(times).fill(name as KilledProcess),
  );
  const steps = shuffled(pipelineSteps, random);
  const pairs = processes.map((process, index) => ({
    process,
    step: steps[index % steps.length] as PipelineStep,
  }));
  return shuffled(pairs, random).map(({ process, step }, index) => {
    // A batch is looked at as a whole.
    const lane = oneOf(step === 'fingerprint' ? (['single', 'large'] as const) : lanes, random);
    const uploading = lane === 'large' ? inParts : inOneRequest;
    const point = step === 'upload' ? oneOf(uploading, random) : ends[step as keyof typeof ends];
    const mayRepeat = point === 'after-part' || lane === 'single';
    const whileItStands = process === 'worker' || random() < 0.5;
    return {
      ...{ run: index + 1, process, step, point, lane },
      count: mayRepeat ? 1 + Math.floor(random() * 3) : 1,
      delayMs: whileItStands ? undefined : Math.floor(random() * 400),
    };
  });
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const oneOf = <T>(items: readonly T[], random: () => number): T =>
  items[Math.floor(random() * items.length)] as T;

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const drawn = items.map((item) => ({ item, at: random() }));
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item);
}
