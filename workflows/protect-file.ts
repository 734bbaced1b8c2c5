import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  continueAsNew,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { Id } from '../src/domain/records.ts';
import { type Changed, maxChangingLooks, type RetryOptions, type Settled } from '../src/domain/steps.ts';
import { summaryOfFile, summaryOfHold } from '../src/temporal/summaries.ts';
import { changedSignal, stateQuery } from './messages.ts';
import {
  type FoundOut,
  goOnTelling,
  publish,
  searchAttributes,
  startAttributes,
} from './search-attributes.ts';
import type { stagingHold } from './staging-hold.ts';
import { createSteps, failureCode, recordFailure, type Steps } from './steps.ts';

export interface ProtectFileInput {
  readonly entryId: Id;
  /** The run that noticed the change. */
  readonly runId: Id;
  readonly retry: RetryOptions;
  /** Queue of the host that keeps staged bytes. */
  readonly hostQueue: string;
}

/** What one workflow run may grow to before it goes on in a new one. */
const maxRounds = 5;
const maxHistoryEvents = 2_000;

/**
 * Protects one file: looks at it, judges it, scans it, seals it, judges it again, uploads it and records it; once more
 * for each change told meanwhile.
 */
export async function protectFile(input: ProtectFileInput): Promise<Settled> {
  goOnTelling((known) => summaryOfFile(known, input.entryId));
  let changedIn: Id | undefined;
  let looks = 0;
  setHandler(changedSignal, ({ runId }) => {
    changedIn = runId;
  });
  setHandler(stateQuery, () => (changedIn === undefined ? `look ${looks}` : `look ${looks}, changed again`));

  const steps = createSteps(input.retry);
  // The signal that came with the start tells of the change this workflow was started for.
  changedIn = undefined;
  for (let round = 1, runId = input.runId; ; round++) {
    const settled = await untilItRests(async (giveUp) => {
      const look = { entryId: input.entryId, runId, round: looks++, giveUp };
      return protectOnce(steps, look, input.retry.maxRetries).catch((error: unknown) =>
        giveUpOn(look, error),
      );
    });
    publish(foundOut(settled, runId));
    for (const holdId of holdsOf(settled)) await waitForApproval(holdId, input.hostQueue);
    if (changedIn === undefined) return reported(settled);
    runId = changedIn;
    changedIn = undefined;
    if (round >= maxRounds || workflowInfo().historyLength > maxHistoryEvents) {
      await continueAsNew<typeof protectFile>({ ...input, runId });
    }
  }
}

interface Look {
  readonly entryId: Id;
  readonly runId: Id;
  readonly round: number;
  readonly giveUp: boolean;
}

async function protectOnce(steps: Steps, look: Look, retries: number): Promise<Settled | Changed> {
  const near = await steps.run('fingerprint', look, false);
  const seen = near.next === 'large' ? await steps.run('fingerprint', { ...look, large: true }, true) : near;
  if (seen.next !== 'admit') return seen as Settled | Changed;
  const { versionId, large } = seen;

  const admitted = await steps.run('admit', { versionId }, large);
  if (admitted.next !== 'scan') return admitted;

  const scanned = await scanUntilSettled(steps, versionId, large, retries);
  if (scanned.next !== 'seal') return scanned;

  return large ? uploadInParts(steps, versionId) : sealAndUpload(steps, versionId);
}

async function scanUntilSettled(steps: Steps, versionId: Id, large: boolean, retries: number) {
  for (let pauseMs = 1_000, tries = 1; ; tries++, pauseMs *= 2) {
    const scanned = await steps.run(
      'scan',
      { versionId, last: tries > retries, ...(tries > 1 ? { again: true } : {}) },
      // What took too long may take longer than a local activity can.
      large || tries > 1,
    );
    if (scanned.next !== 'scanAgain') return scanned;
    await sleep(Math.min(pauseMs, 60_000));
  }
}

async function sealAndUpload(steps: Steps, versionId: Id): Promise<Settled | Changed> {
  return unlessSomeoneElseIs(() => steps.run('sealAndUpload', { versionId }, false));
}

async function uploadInParts(steps: Steps, versionId: Id): Promise<Settled | Changed> {
  for (;;) {
    const planned = await unlessSomeoneElseIs(() => steps.run('planAndRelease', { versionId }, true));
    if (planned.next !== 'upload') return planned;
    const uploaded = await steps.run('upload', { versionId }, true);
    if (uploaded.next !== 'plan') return uploaded;
  }
}

/** Waits while another file's workflow makes the object of the same content. */
async function unlessSomeoneElseIs<Answer extends { next: string }>(
  step: () => Promise<Answer>,
): Promise<Exclude<Answer, { next: 'wait' }>> {
  for (let pauseMs = 200; ; pauseMs = Math.min(2 * pauseMs, 5_000)) {
    const answer = await step();
    if (answer.next !== 'wait') return answer as Exclude<Answer, { next: 'wait' }>;
    await sleep(pauseMs);
  }
}

async function untilItRests(look: (giveUp: boolean) => Promise<Settled | Changed>): Promise<Settled> {
  for (let looks = 0, pauseMs = 200; ; looks++, pauseMs = Math.min(2 * pauseMs, 5_000)) {
    const answer = await look(looks >= maxChangingLooks);
    if (answer.next !== 'changed') return answer;
    await sleep(pauseMs);
  }
}

/** A step ended in an error about this file: say so in the catalog, then here. */
async function giveUpOn(look: Look, error: unknown): Promise<Settled> {
  const code = failureCode(error);
  const judged = await recordFailure({ entryId: look.entryId, runId: look.runId, round: look.round, code });
  return { next: 'settled', outcome: 'failed', reason: code, judged };
}

/** What this look made known. A state that was known before has its outcome from the run that found it. */
const foundOut = ({ outcome, reason, unchanged, judged }: Settled, run: Id): FoundOut => ({
  ...{ ...judged, run },
  ...(unchanged ? { outcome: 'unchanged' } : { outcome, reason }),
});

const holdsOf = ({ holdId, otherHoldIds = [] }: Settled): Id[] =>
  holdId === undefined ? [] : [holdId, ...otherHoldIds];

async function waitForApproval(holdId: Id, hostQueue: string): Promise<void> {
  try {
    // Its run it learns itself: another may have noticed the file meanwhile.
    const source = workflowInfo().typedSearchAttributes.get(searchAttributes.source);
    await startChild<typeof stagingHold>('stagingHold', {
      args: [{ holdId, hostQueue }],
      workflowId: `hold:${holdId}`,
      typedSearchAttributes: startAttributes({ source }),
      ...summaryOfHold({ source }, holdId),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Ignored, duplicate, quarantined and held are results; only `failed` fails the workflow. */
function reported(settled: Settled): Settled {
  if (settled.outcome !== 'failed') return settled;
  throw ApplicationFailure.nonRetryable(settled.reason ?? 'failed', settled.reason ?? 'failed');
}
