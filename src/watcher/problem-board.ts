import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, failureIn, isFailure } from '../domain/failures.ts';
import { writePrivate } from '../stack/secrets.ts';
import { detail, failureTexts, say } from '../text/voice.ts';
import type { WatchProblem } from './problems.ts';

/** What disturbs the watching of a source, as it lies in a file: codes and facts, told in the language of whoever asks. */
export type ToldProblem =
  | { readonly kind: 'source_absent' | 'source_changed' | 'unexpected' }
  | { readonly kind: 'watch_error'; readonly code: string }
  | ({ readonly kind: 'failure' } & Pick<Failure, 'code' | 'facts'>);

/** Undefined when it is over. */
export function watchProblem(problem: WatchProblem): ToldProblem | undefined {
  if (problem.kind === 'source_returned') return undefined;
  if (problem.kind === 'watch_limit') return errorProblem(problem.failure);
  if (problem.kind === 'watch_error') return problem;
  return { kind: problem.kind };
}

export function errorProblem(error: unknown): ToldProblem {
  return isFailure(error)
    ? { kind: 'failure', code: error.code, facts: error.facts }
    : { kind: 'unexpected' };
}

export function problemSentence(problem: ToldProblem): string {
  if (problem.kind === 'watch_error') return say('warnings', 'watch_error', { code: problem.code });
  if (problem.kind !== 'failure') return say('warnings', problem.kind);
  const failure = new Failure(problem.code, problem.facts);
  const { message, hint } = failureIn(failureTexts(), failure, detail);
  return `${message} ${hint}`;
}

/** What disturbs the watching of sources right now, by source name: written by the watcher, read by `status`. */
export class ProblemBoard {
  private readonly file: string;
  private readonly problems = new Map<string, ToldProblem>();

  constructor(home: string) {
    this.file = problemFile(home);
    this.write();
  }

  /** Shows a problem of a source; undefined takes it away. */
  set(source: string, problem: ToldProblem | undefined): void {
    if (JSON.stringify(this.problems.get(source)) === JSON.stringify(problem)) return;
    if (problem === undefined) this.problems.delete(source);
    else this.problems.set(source, problem);
    this.write();
  }

  has(source: string): boolean {
    return this.problems.has(source);
  }

  private write(): void {
    writePrivate(this.file, `${JSON.stringify(Object.fromEntries(this.problems))}\n`);
  }
}

/** The problems that stand now, by source; none where no watcher ever ran. */
export function readProblems(home: string): ReadonlyMap<string, ToldProblem> {
  try {
    const problems = JSON.parse(readFileSync(problemFile(home), 'utf8')) as Record<string, ToldProblem>;
    return new Map(Object.entries(problems));
  } catch {
    return new Map();
  }
}

const problemFile = (home: string): string => join(home, 'run', 'watcher-problems.json');
