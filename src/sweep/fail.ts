import { auditEvent } from '../audit/event.ts';
import type { SweepFailStep } from '../domain/steps.ts';
import { forgetProgress, loadProgress } from './progress.ts';
import type { SweepContext } from './sweep.ts';
import { sweepTotals } from './totals.ts';

/** How far a sweep came that never reached a place it could go on from. */
const notFar = { seen: 0, skipped: 0, unreachable: 0 };

/** Ends the run of a sweep that an error ended, as `failed`, with what it did until then. May run twice. */
export async function failSweep(
  { catalog, ids, hostId }: Pick<SweepContext, 'catalog' | 'ids' | 'hostId'>,
  { sourceId, runId, actor, confirmsDeletions, code }: SweepFailStep,
): Promise<void> {
  // It may have ended in an error before it began to be one.
  await catalog.startRun({ id: runId, kind: 'sweep', sourceId, hostId, actor, confirmsDeletions });
  const walked = (await loadProgress(catalog, runId)) ?? notFar;
  await catalog.endRun(runId, 'failed', { ...(await sweepTotals(catalog, runId, walked)) });
  await forgetProgress(catalog, sourceId);
  const ended = await catalog.endedRun(runId);
  await catalog.write({
    events: [
      auditEvent(ids, {
        ...{ subject: runId, step: 'run', run: runId, host: hostId, actor, source: sourceId },
        facts: { kind: 'sweep', ...ended, ...(ended?.result === 'failed' ? { reason: code } : {}) },
      }),
    ],
  });
}
