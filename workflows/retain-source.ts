import {
  condition,
  continueAsNew,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
  sleep,
  uuid4,
} from '@temporalio/workflow';
import type { RetentionActivities } from '../activities/retention.ts';
import type { Id } from '../src/domain/records.ts';
import type { RetainProgress } from '../src/domain/steps.ts';
import { summaryOfRetention } from '../src/temporal/summaries.ts';
import { type RetainRequest, retainSignal, stateQuery } from './messages.ts';
import { goOnTelling, publish } from './search-attributes.ts';
import { failureCode, gate } from './steps.ts';

export interface RetainInput {
  readonly sourceId: Id;
  /** Between the end of a run and the begin of the next. */
  readonly everyMs: number;
  /** The longest a slice lasts. */
  readonly sliceMs: number;
  /** What was asked for and not begun, when the history got too long. */
  readonly asked?: readonly RetainRequest[];
  /** The run that goes on then. */
  readonly run?: RetainRun;
}

interface RetainRun extends RetainRequest {
  readonly progress?: RetainProgress;
}

/** So many in one history. */
const mostSlices = 50;
/** After a failed run the next one begins sooner. */
const mostRetryMs = 60 * 60_000;

/** Until it can be told: the workflow outlasts every outage. */
const { recordRetentionFailure } = proxyActivities<RetentionActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '5 minutes' },
});

/**
 * Keeps a source's retention for as long as there is the source: a run every day, and one whenever it is asked for, each in
 * slices. A run that fails is recorded as such; the next one does what it left.
 */
export async function retainSource(input: RetainInput): Promise<void> {
  const { sourceId, everyMs } = input;
  goOnTelling(({ source }) => summaryOfRetention({ source }));
  const asked: RetainRequest[] = [...(input.asked ?? [])];
  setHandler(retainSignal, (request) => {
    asked.push(request);
  });
  let { run } = input;
  setHandler(stateQuery, () => (run === undefined ? 'waiting' : 'running'));
  let waitMs = everyMs;
  for (let slices = 0; slices < mostSlices; slices++) {
    if (run === undefined) {
      await condition(() => asked.length > 0, waitMs);
      run = asked.shift() ?? { runId: uuid4().replaceAll('-', ''), actor: 'holdfast' };
      waitMs = everyMs;
    }
    const { runId, actor } = run;
    publish({ run: runId });
    try {
      run = await goOn(input, run);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const code = failureCode(error);
      log.warn('retention ended before it was through', { run: runId, code });
      await recordRetentionFailure({ sourceId, runId, actor, code });
      publish({ run: runId, outcome: 'failed', reason: code });
      run = undefined;
      waitMs = Math.min(everyMs, mostRetryMs);
    }
  }
  await continueAsNew<typeof retainSource>({ ...input, asked, ...(run === undefined ? {} : { run }) });
}

/** One more slice of a run; undefined when it is through. */
async function goOn(input: RetainInput, run: RetainRun): Promise<RetainRun | undefined> {
  const { sourceId, sliceMs } = input;
  const { retainSlice } = proxyActivities<RetentionActivities>({
    // A page is finished when the slice is over.
    startToCloseTimeout: sliceMs * 10,
    heartbeatTimeout: '60s',
    retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '5 minutes' },
  });
  const answer = await retainSlice({ ...run, sourceId, sliceMs });
  switch (answer.next) {
    case 'retained':
      return undefined;
    case 'more':
      return { ...run, progress: answer.progress };
    case 'busy':
      await sleep('1s');
      return run;
    case 'unavailable':
      await gate.awaitDependency(answer.dependency);
      return run;
  }
}
