import type { SourceConfig } from '../config.ts';
import { openRoot } from '../files/root.ts';
import { errorProblem, problemSentence, readProblems } from './problem-board.ts';

/** What disturbs each source right now, by its name: what the watcher says and, as it need not run, a folder that is away. */
export async function sourceProblems(
  home: string,
  sources: readonly Pick<SourceConfig, 'name' | 'path'>[],
): Promise<Readonly<Record<string, string>>> {
  const problems = new Map(readProblems(home));
  for (const { name, path } of sources) {
    const failure = await openRoot(path).then(() => undefined, errorProblem);
    if (failure !== undefined && !problems.has(name)) problems.set(name, failure);
  }
  return Object.fromEntries([...problems].map(([name, problem]) => [name, problemSentence(problem)]));
}
