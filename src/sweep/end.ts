import { auditEvent } from '../audit/event.ts';
import type { EndedRun, RunResult } from '../catalog/catalog.ts';
import type { SweepFailStep, SweepStep } from '../domain/steps.ts';
import { forgetProgress, loadProgress } from './progress.ts';
import type { SweepContext } from './sweep.ts';
import { sweepTotals } from './totals.ts';

type EndContext = Pick<SweepContext, 'catalog' | 'ids' | 'hostId'>;
type EndedStep = Pick<SweepStep, 'sourceId' | 'runId' | 'actor'>;

/** How a sweep ended. */
interface End {
  readonly result: RunResult;
  readonly totals: Readonly<Record<string, number>>;
  /** Of `failed`: code of the failure, a row of src/domain/failures.ts. */
  readonly reason?: string;
}

/** Ends a sweep's run, on record and on the trail, and gives how it ended. When this runs for a second time, the first account stands. */
export async function endSweep(
  { catalog, ids, hostId }: EndContext,
  { sourceId, runId, actor }: EndedStep,
  { result, totals, reason }: End,
): Promise<EndedRun | undefined> {
  await catalog.endRun(runId, result, totals);
  await forgetProgress(catalog, sourceId);
  const ended = await catalog.endedRun(runId);
  const because = reason !== undefined && ended?.result === result ? { reason } : {};
  await catalog.write({
    events: [
      auditEvent(ids, {
        ...{ subject: runId, step: 'run', run: runId, host: hostId, actor, source: sourceId },
        facts: { kind: 'sweep', ...ended, ...because },
      }),
    ],
  });
  return ended;
}

/** How far a sweep came that never reached a place it could go on from. */
const notFar = { seen: 0, skipped: 0, unreachable: 0 };

/** Ends the run of a sweep that an error ended, as `failed`, with what it did until then. May run twice. */
export async function failSweep(
  context: EndContext,
  { code: reason, ...step }: SweepFailStep,
): Promise<void> {
  const { catalog, hostId } = context;
  const { sourceId, runId, actor, confirmsDeletions } = step;
  // It may have ended in an error before it began to be one.
  await catalog.startRun({ id: runId, kind: 'sweep', sourceId, hostId, actor, confirmsDeletions });
  await endUnfinished(context, step, { result: 'failed', reason });
}

/** There is one sweep of a source at a time: a run before this one that has no end was ended from outside. */
export async function endInterrupted(
  context: EndContext,
  { sourceId, runId }: Pick<SweepStep, 'sourceId' | 'runId'>,
): Promise<void> {
  const interrupted = await context.catalog.rows<Pick<EndedStep, 'runId' | 'actor'>>(
    `select id as "runId", actor from run_log
     where kind = 'sweep' and source_id = $1 and ended_at is null and id <> $2
       and started_at < (select started_at from run_log where id = $2)`,
    [sourceId, runId],
  );
  for (const run of interrupted)
    await endUnfinished(context, { sourceId, ...run }, { result: 'interrupted' });
}

/** Ends a sweep that did not come to its end, with what it did until then. */
async function endUnfinished(
  context: EndContext,
  step: EndedStep,
  how: Pick<End, 'result' | 'reason'>,
): Promise<void> {
  const { catalog } = context;
  const walked = (await loadProgress(catalog, step.runId)) ?? notFar;
  const totals = { ...(await sweepTotals(catalog, step.runId, walked)) };
  await endSweep(context, step, { ...how, totals });
}
