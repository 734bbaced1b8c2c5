import { newestRuns } from '../../catalog/run-query.ts';
import { say } from '../../text/voice.ts';
import { localTime, table } from '../output.ts';
import { runResults } from '../run-results.ts';
import { totalsText } from '../run-totals.ts';
import { type Session, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';
import { word } from '../words.ts';

export interface RunsOptions {
  readonly limit: number;
  readonly source?: string;
  readonly since?: Date;
  /** A key of {@link runResults}. */
  readonly result?: string;
}

/** The newest runs: what was done, by whom, with which result. */
export async function runRuns(session: Session, options: RunsOptions): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const { source, since, result, limit } = options;
    const runs = await newestRuns(catalog, {
      sourceId: source === undefined ? undefined : await requireSource(catalog, source),
      result: result === undefined ? undefined : runResults[result],
      ...{ since, limit },
    });
    for (const run of runs) output.value(run);
    if (runs.length === 0) output.line(say('files', 'no_runs'));
    else
      output.line(
        table(
          runs.map((run) => [
            run.runId,
            [word(run.kind), run.source].filter(Boolean).join(' '),
            localTime(run.startedAt),
            word(run.result ?? 'running'),
            run.actor,
            totalsText(run.totals),
          ]),
        ),
      );
  });
}
