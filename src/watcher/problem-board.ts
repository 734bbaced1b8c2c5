import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from '../stack/secrets.ts';

/** What disturbs the watching of sources right now, by source name: written by the watcher, read by `status`. */
export class ProblemBoard {
  private readonly file: string;
  private readonly problems = new Map<string, string>();

  constructor(home: string) {
    this.file = problemFile(home);
    this.write();
  }

  /** Shows a sentence for a source; undefined takes it away. */
  set(source: string, sentence: string | undefined): void {
    if (this.problems.get(source) === sentence) return;
    if (sentence === undefined) this.problems.delete(source);
    else this.problems.set(source, sentence);
    this.write();
  }

  has(source: string): boolean {
    return this.problems.has(source);
  }

  private write(): void {
    writePrivate(this.file, `${JSON.stringify(Object.fromEntries(this.problems))}\n`);
  }
}

/** The sentences that stand now, by source; none where no watcher ever ran. */
export function readProblems(home: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(problemFile(home), 'utf8')) as Record<string, string>;
  } catch {
    return {};
  }
}

const problemFile = (home: string): string => join(home, 'run', 'watcher-problems.json');
