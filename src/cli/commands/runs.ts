import { localTime, table } from '../output.ts';
import { type Session, withCatalog } from '../session.ts';

interface Run {
  readonly runId: string;
  readonly kind: string;
  readonly actor: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly result: string | null;
  readonly totals: Readonly<Record<string, number>>;
}

/** The newest runs: what was done, by whom, with which result. */
export async function runRuns(session: Session, options: { readonly limit: number }): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const runs = await catalog.rows<Run>(
      `select id as "runId", kind, actor, started_at as "startedAt", ended_at as "endedAt", result, totals
       from run_log order by started_at desc limit $1`,
      [options.limit],
    );
    for (const run of runs) output.value(run);
    if (runs.length > 0)
      output.line(
        table(
          runs.map((run) => [
            run.runId,
            run.kind,
            localTime(run.startedAt),
            run.result ?? 'running',
            run.actor,
            totals(run),
          ]),
        ),
      );
    else output.line('No runs yet.');
  });
}

function totals(run: Run): string {
  return Object.entries(run.totals)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
