import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** What a run of the fuzzer came to. */
export interface FuzzReport {
  /** Of the last case. */
  readonly seed: number;
  readonly cases: number;
  /** How many cases by `kind: outcome`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Why it ended early. */
  readonly problem?: string | undefined;
  /** By how much the peak of resident memory grew. */
  readonly grownBytes: number;
}

const program = fileURLToPath(new URL('../fixtures/fuzz.ts', import.meta.url));
/** A case takes milliseconds; a password derivation on a busy machine takes seconds. */
const hangMs = 60_000;
/** An hour grows by 270 MiB: what the collector leaves lying of files of 3 MiB. A bomb unfolds to 512 MiB. */
const mostGrownBytes = 384 * 1024 * 1024;

/**
 * Reads hostile bytes for `seconds`, at least `leastCases` of them, in a process of its own and expects that nothing but a refusal ever comes of them.
 * Every failure tells the seed of its case; HOLDFAST_FUZZ_SEED starts at that one.
 */
export async function expectNoHarm(seconds: number, leastCases: number): Promise<FuzzReport> {
  const named = process.env.HOLDFAST_FUZZ_SEED;
  const firstSeed = named === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(named);
  const { report, seed, ended } = await fuzz(firstSeed, seconds, leastCases);
  const replay = `replay with HOLDFAST_FUZZ_SEED=${report?.seed ?? seed}`;
  if (report === undefined) throw new Error(`the fuzzer ${ended}; ${replay}`);
  if (report.problem !== undefined) throw new Error(`${report.problem}\n${replay}`);
  expect(report.grownBytes, `memory; replay with HOLDFAST_FUZZ_SEED=${firstSeed}`).toBeLessThan(
    mostGrownBytes,
  );
  return report;
}

async function fuzz(
  firstSeed: number,
  seconds: number,
  leastCases: number,
): Promise<{ report: FuzzReport | undefined; seed: string; ended: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-fuzz-'));
  const seedFile = join(folder, 'seed');
  const child = spawn(process.execPath, [program, ...[firstSeed, seconds, leastCases].map(String), seedFile]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const hung = setTimeout(() => child.kill('SIGKILL'), 1_000 * seconds + hangMs);
  try {
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...how) => resolve(how));
    });
    const report = code === 0 ? (JSON.parse(stdout) as FuzzReport) : undefined;
    return { report, seed: readFileSync(seedFile, 'utf8'), ended: `ended with ${signal ?? code}: ${stderr}` };
  } finally {
    clearTimeout(hung);
    rmSync(folder, { recursive: true, force: true });
  }
}
