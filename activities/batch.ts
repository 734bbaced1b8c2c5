import type { BatchContext } from '../src/batch/file.ts';
import { isOutageOfOne, oneIsAway } from '../src/batch/outage.ts';
import { giveUpBatch, protectBatch } from '../src/batch/protect-batch.ts';
import type { Settlement } from '../src/catalog/rows.ts';
import type { Outcome } from '../src/domain/records.ts';
import type { BatchAnswer, BatchStep } from '../src/domain/steps.ts';
import type { PipelineMetrics } from '../src/observability/metrics/pipeline.ts';
import type { PipelineContext } from '../src/pipeline/context.ts';
import { Semaphore } from '../src/pipeline/semaphore.ts';
import type { Dispatcher } from '../src/watcher/dispatcher.ts';
import { failing, postponed } from './edge.ts';
import { beating } from './index.ts';

export interface Batching {
  /** Whether small files share objects. */
  readonly packs: boolean;
  readonly dispatcher: Pick<Dispatcher, 'start'>;
}

/**
 * How many batches one process has in memory at once: while one waits for scanner or store the other is read and sealed. What
 * is sent is recorded beside them.
 */
const batchesAtOnce = 2;

export function createBatchActivities(
  context: PipelineContext,
  { packs, dispatcher }: Batching,
  metrics: Pick<PipelineMetrics, 'stepTook'>,
) {
  const places = new Semaphore(batchesAtOnce);
  const { log } = context;
  const batch = ({ batchId }: BatchStep, settled: BatchContext['settled']): BatchContext => ({
    context,
    batchId,
    packs,
    passOn: (entryId, runId) => dispatcher.start(entryId, runId),
    settled,
    stepTook: (step, seconds) => metrics.stepTook('batch', step, seconds),
  });
  /** Logs each file of a batch, those that came through at `debug`, and counts them by outcome. */
  const telling = () => {
    const outcomes: Partial<Record<Outcome, number>> = {};
    const settled = ({ outcome, reason, ...ids }: Settlement): void => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const { runId: run, entryId: entry, versionId: version } = ids;
      const isQuiet = outcome === 'uploaded' || outcome === 'duplicate';
      log[isQuiet ? 'debug' : 'info']({ run, entry, version, outcome, reason }, 'file of a batch settled');
    };
    return { outcomes, settled };
  };
  return {
    /** What is left of a batch, from the first look to the last commit. */
    protectBatch: async (input: BatchStep): Promise<BatchAnswer> => {
      const began = performance.now();
      const { outcomes, settled } = telling();
      try {
        const answer = await beating<BatchAnswer>(async (run) => {
          if (!(await oneIsAway(context)))
            return protectBatch(batch(input, settled), run, (work) => places.run(work, run.patienceMs));
          await giveUpBatch(batch(input, settled));
          return { next: 'batched' };
        });
        log.info({ outcomes, durationMs: Math.round(performance.now() - began) }, 'batch done');
        return answer;
      } catch (error) {
        // The next try sees it.
        return isOutageOfOne(context, error) ? { next: 'busy' } : postponed<BatchAnswer>(error, log);
      } finally {
        metrics.stepTook('batch', 'protectBatch', (performance.now() - began) / 1_000);
      }
    },

    /** Hands what is left of a batch to workflows of their own. */
    giveUpBatch: (input: BatchStep): Promise<void> =>
      beating(() => giveUpBatch(batch(input, telling().settled))).catch((error: unknown) =>
        failing(error, log),
      ),
  };
}

export type BatchActivities = ReturnType<typeof createBatchActivities>;
