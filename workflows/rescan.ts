import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  continueAsNew,
  executeChild,
  proxyActivities,
  sleep,
  uuid4,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { RescanActivities } from '../activities/rescan.ts';
import type { Id } from '../src/domain/records.ts';
import type { RescanAnswer } from '../src/domain/steps.ts';
import { summaryOfRescan } from '../src/temporal/summaries.ts';
import { goOnTelling, startAttributes } from './search-attributes.ts';
import { gate } from './steps.ts';

export interface RescanInput {
  /** Undefined: a new one. */
  readonly runId?: Id;
  readonly actor: string;
  /** Only what versions of this source hold. */
  readonly sourceId?: Id;
  /** Contents to look at, at most. */
  readonly limit?: number;
}

export type RescanDone = Extract<RescanAnswer, { next: 'rescanned' }>;

/** After this an activity begins nothing more; the next one goes on. */
const sliceMs = 10 * 60_000;

const { rescanSlice } = proxyActivities<RescanActivities>({
  // One content of 2 GB over a thin line takes hours.
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '60s',
  retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '5 minutes' },
});

/** Has stored content scanned again by newer signatures, slice by slice, until nothing is due. */
export async function rescanContents(input: RescanInput): Promise<RescanDone> {
  goOnTelling(summaryOfRescan);
  const runId = input.runId ?? workflowInfo().firstExecutionRunId.replaceAll('-', '');
  while (!workflowInfo().continueAsNewSuggested) {
    const answer = await rescanSlice({ ...input, runId, sliceMs });
    if (answer.next === 'busy') await sleep('1s');
    else if (answer.next === 'unavailable') await gate.awaitDependency(answer.dependency);
    else if (answer.isDone) return answer;
  }
  return continueAsNew<typeof rescanContents>({ ...input, runId });
}

/** What a schedule starts: the one rescan, unless it is under way. */
export async function rescanOnSchedule(input: RescanInput): Promise<RescanDone | 'under way already'> {
  const run = uuid4().replaceAll('-', '');
  try {
    return await executeChild(rescanContents, {
      args: [{ ...input, runId: run }],
      workflowId: 'rescan',
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: startAttributes({ run }),
      ...summaryOfRescan({ run }),
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'under way already';
    throw error;
  }
}
