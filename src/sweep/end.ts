import { auditEvent } from '../audit/event.ts';
import type { EndedRun, RunResult } from '../catalog/catalog.ts';
import type { SweepFailStep, SweepStep } from '../domain/steps.ts';
import { forgetProgress, loadProgress } from './progress.ts';
import type { SweepContext } from './sweep.ts';
import { sweepTotals } from './totals.ts';

type EndContext = Pick<SweepContext, 'catalog' | 'ids' | 'hostId'>;

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
  { sourceId, runId, actor }: SweepStep,
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
  const walked = (await loadProgress(catalog, runId)) ?? notFar;
  const totals = { ...(await sweepTotals(catalog, runId, walked)) };
  await endSweep(context, step, { result: 'failed', totals, reason });
}
