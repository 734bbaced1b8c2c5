import type { Logger } from 'pino';
import type { VerifyAnswer, VerifyStep } from '../src/domain/steps.ts';
import type { UpkeepMetrics } from '../src/observability/metrics/upkeep.ts';
import { mismatches } from '../src/verify/finding.ts';
import { recordedVerify } from '../src/verify/recorded-run.ts';
import type { VerifyDeps } from '../src/verify/run.ts';
import { postponed } from './edge.ts';
import { beating } from './index.ts';

/** Objects a sample looks at at once: files that are being protected come first. */
const jobs = 4;

export function createVerifyActivities(deps: VerifyDeps, metrics: UpkeepMetrics, log: Logger) {
  return {
    /** Looks at a share of what lies in the destinations, as long as the slice lasts, and puts right what can be. */
    verifySlice: (input: VerifyStep): Promise<VerifyAnswer> =>
      beating((run) => verifySlice(deps, { metrics, log }, input, run.signal)).catch((error: unknown) =>
        postponed<VerifyAnswer>(error, log),
      ),
  };
}

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;

async function verifySlice(
  deps: VerifyDeps,
  { metrics, log }: { readonly metrics: UpkeepMetrics; readonly log: Logger },
  { runId, sample, readSample, sliceMs }: VerifyStep,
  signal: AbortSignal,
): Promise<VerifyAnswer> {
  const until = new Date(Date.now() + sliceMs);
  const summary = await recordedVerify(deps, {
    runId,
    actor: 'holdfast',
    sample,
    readSample,
    inventory: false,
    repair: true,
    jobs,
    until,
    signal,
  });
  const { checked, read, repaired, complete, findings } = summary;
  const found = mismatches(findings);
  if (found > 0) {
    log.error(
      { run: runId, findings, repaired },
      'the bucket does not hold what the catalog says: run `holdfast verify --all`',
    );
  }
  const counts = { checked, read, mismatches: found, repaired };
  metrics.verified(counts);
  return { next: 'verified', ...counts, complete };
}
