import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../src/stack/project.ts';
import type { StageResult } from './stage.ts';

/** What `npm test`, or `npm run test:long`, came to the last time: for whoever was not there. */
export interface SuiteResults {
  /** What was tested, and whether files were changed since; null where this is no checkout of git. */
  readonly commit: string | null;
  readonly changed: boolean | null;
  /** When it ended. UTC. */
  readonly at: string;
  readonly node: string;
  readonly passed: number;
  readonly failed: number;
  readonly stages: readonly StageSummary[];
}

export interface StageSummary {
  readonly name: string;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  /** By file, relative to `test/`: how many tests passed, and the names of those that did not. */
  readonly files: Readonly<Record<string, { readonly passed: number; readonly failed?: readonly string[] }>>;
}

export type Suite = 'test' | 'test:long';

/** Beside what is installed: not part of the checkout, and gone with it. */
const fileOf = (suite: Suite): string =>
  path.join(projectRoot, 'node_modules/.cache/holdfast', `${suite.replace(':', '-')}.json`);

export function summaryOf(
  name: string,
  seconds: number,
  { passed, failed, files = [] }: StageResult,
): StageSummary {
  const byName = files.map(
    (file) =>
      [
        path.relative(path.join(projectRoot, 'test'), file.name),
        { passed: file.passed, ...(file.failed.length === 0 ? {} : { failed: file.failed }) },
      ] as const,
  );
  return { name, seconds, passed, failed, files: Object.fromEntries(byName.sort()) };
}

/** What failed, a line each, for whoever reads a log from its end. */
export function failedTests(stages: readonly StageSummary[]): string[] {
  return stages.flatMap(({ name, failed, files }) => {
    const tests = Object.entries(files).flatMap(([file, found]) =>
      (found.failed ?? []).map((test) => `failed: ${file} > ${test}`),
    );
    return failed > 0 && tests.length === 0 ? [`failed: ${name}`] : tests;
  });
}

/** Writes down what the stages of a suite came to. */
export function writeResults(suite: Suite, stages: readonly StageSummary[]): void {
  const total = (of: 'passed' | 'failed'): number => stages.reduce((sum, stage) => sum + stage[of], 0);
  const results: SuiteResults = {
    ...tested(),
    ...{ at: new Date().toISOString(), node: process.version },
    ...{ passed: total('passed'), failed: total('failed'), stages },
  };
  const file = fileOf(suite);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(results));
}

/** Undefined where the suite has not been run here. */
export function readResults(suite: Suite): SuiteResults | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(suite), 'utf8')) as SuiteResults;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function tested(): Pick<SuiteResults, 'commit' | 'changed'> {
  const git = (...args: string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', args, { cwd: projectRoot, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : undefined;
  };
  const changes = git('status', '--porcelain');
  return { commit: git('rev-parse', 'HEAD') ?? null, changed: changes === undefined ? null : changes !== '' };
}
