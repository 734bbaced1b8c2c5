import type { RescanAnswer, RescanStep } from '../src/domain/steps.ts';
import type { UpkeepMetrics } from '../src/observability/metrics/upkeep.ts';
import { type RescanDeps, rescan } from '../src/rescan/rescan.ts';
import { postponed } from './edge.ts';
import { beating } from './index.ts';

export function createRescanActivities(deps: RescanDeps, metrics: UpkeepMetrics) {
  return {
    /** Has stored content scanned again, as long as the slice lasts. */
    rescanSlice: (input: RescanStep): Promise<RescanAnswer> =>
      beating((run) => rescanSlice(deps, metrics, input, run.signal)).catch((error: unknown) =>
        postponed<RescanAnswer>(error, deps.log),
      ),
  };
}

export type RescanActivities = ReturnType<typeof createRescanActivities>;

async function rescanSlice(
  deps: RescanDeps,
  metrics: UpkeepMetrics,
  { sliceMs, ...request }: RescanStep,
  signal: AbortSignal,
): Promise<RescanAnswer> {
  const until = new Date(Date.now() + sliceMs);
  const { totals, isDone } = await rescan(deps, { ...request, until, signal }, (result) =>
    metrics.rescanned(result),
  );
  return { next: 'rescanned', ...totals, isDone };
}
