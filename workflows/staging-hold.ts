import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { HoldActivities } from '../activities/holds.ts';
import type { AboutHold, HoldAnswer, HoldEnd } from '../src/domain/holds.ts';
import type { Id } from '../src/domain/records.ts';
import { summaryOfHold } from '../src/temporal/summaries.ts';
import { approveUpdate, rejectUpdate, resealUpdate, stateQuery } from './messages.ts';
import { type FoundOut, goOnTelling, publish } from './search-attributes.ts';
import { failureCode, untilThere } from './steps.ts';

export interface StagingHoldInput {
  readonly holdId: Id;
  /** Queue of the host that keeps the staged bytes. */
  readonly hostQueue: string;
}

/** What somebody wants to become of the hold, and what they are told. `by`: the attempt, or the command that asked. */
interface Request {
  readonly wish: 'release' | 'reject' | 'reseal';
  readonly by: Id;
  answer?: HoldAnswer;
}

/** What one workflow run may grow to before it goes on in a new one. */
const maxHistoryEvents = 250;
/** An approved file whose host does not answer, or that could not be sent, is tried again after this, doubled each time. */
const firstPauseMs = 10 * 60_000;
const longestPauseMs = 24 * 3_600_000;

const anywhere = proxyActivities<HoldActivities>({
  startToCloseTimeout: '7 days',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '5 minutes' },
});

const judging = proxyActivities<HoldActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumAttempts: 5 },
});

/** What needs the staged bytes. A host that takes nothing for this long counts as away. */
const onHost = (taskQueue: string) =>
  proxyActivities<HoldActivities>({
    taskQueue,
    scheduleToStartTimeout: '10 minutes',
    startToCloseTimeout: '7 days',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '1s', maximumInterval: '1 minute', maximumAttempts: 5 },
  });

/**
 * Waits with a held file for whoever decides: reminds them, lets the file go once enough have approved it, and ends when it
 * is released, rejected, or nobody decided in time. One request after the other: whoever comes too late is told so.
 */
export async function stagingHold(input: StagingHoldInput): Promise<HoldEnd> {
  const { holdId } = input;
  goOnTelling((known) => summaryOfHold(known, holdId));
  let { hostQueue } = input;
  let ended: HoldEnd | undefined;
  let about: AboutHold;
  const requests: Request[] = [];

  setHandler(approveUpdate, ({ attemptId }) => decide('release', attemptId), { validator: mayDecide });
  setHandler(rejectUpdate, ({ attemptId }) => decide('reject', attemptId), { validator: mayDecide });
  setHandler(resealUpdate, ({ runId }) => request('reseal', runId), {
    validator: ({ runId }) => mayDecide({ attemptId: runId }),
  });
  setHandler(stateQuery, () => ended ?? 'open');

  for (let pauseMs = firstPauseMs; ; ) {
    const standing = await untilThere(() => anywhere.lookAtHold({ holdId }));
    about = standing.about;
    if (standing.state !== 'open') return end(standing.state);
    publish({ ...about, outcome: 'held', holdUntil: new Date(about.until) });
    // Who started this need not be who staged the bytes: hosts of a group share the work.
    hostQueue = standing.hostQueue ?? hostQueue;
    const { isApproved, expiresInMs } = standing;
    const dueInMs = isApproved ? pauseMs : standing.remindInMs;
    await condition(() => requests.length > 0, Math.max(1, Math.min(dueInMs, expiresInMs)));

    const asked = requests.shift();
    let answer: HoldAnswer | undefined;
    if (asked !== undefined) answer = asked.answer = await carryOut(asked);
    else if (expiresInMs <= dueInMs) answer = await expire();
    else if (isApproved) answer = await release();
    else await remind();
    pauseMs = asked === undefined && isApproved ? Math.min(2 * pauseMs, longestPauseMs) : firstPauseMs;
    const endedAs = endOf(answer);
    if (endedAs !== undefined) return end(endedAs);
    if (workflowInfo().historyLength > maxHistoryEvents && allHandlersFinished()) {
      await continueAsNew<typeof stagingHold>({ holdId, hostQueue });
    }
  }

  /** Shape and state only: whether it was signed by whom it names is for an activity to find out. */
  function mayDecide({ attemptId }: { attemptId: Id }): void {
    if (!/^[0-9a-f]{32}$/.test(attemptId)) throw ApplicationFailure.nonRetryable('usage', 'usage');
    if (ended !== undefined) throw ApplicationFailure.nonRetryable('hold_ended', 'hold_ended');
  }

  async function decide(wish: Request['wish'], attemptId: Id): Promise<HoldAnswer> {
    const judged = await untilThere(() => judging.judgeAttempt({ holdId, attemptId }));
    return judged.next === 'enough' ? request(wish, attemptId) : judged;
  }

  async function request(wish: Request['wish'], by: Id): Promise<HoldAnswer> {
    const mine: Request = { wish, by };
    requests.push(mine);
    await condition(() => mine.answer !== undefined || ended !== undefined);
    return mine.answer ?? { next: 'ended', state: ended as HoldEnd };
  }

  async function carryOut({ wish, by }: Request): Promise<HoldAnswer> {
    if (wish === 'release') return release();
    if (wish === 'reject') {
      const { state } = await untilThere(() => anywhere.endHold({ holdId, as: 'rejected', attemptId: by }));
      return { next: 'ended', state };
    }
    const resealed = await untilThere(() => anywhere.resealHold({ holdId, runId: by }));
    if (resealed.next === 'resealed') hostQueue = resealed.hostQueue;
    return resealed;
  }

  function expire(): Promise<HoldAnswer> {
    return untilThere(() => anywhere.endHold({ holdId, as: 'expired' }));
  }

  async function release(): Promise<HoldAnswer> {
    try {
      return await untilThere(() => onHost(hostQueue).releaseHold({ holdId }));
    } catch (error) {
      return isAway(error) ? { next: 'waiting' } : { next: 'held', reason: failureCode(error) };
    }
  }

  async function remind(): Promise<void> {
    const seen = await untilThere(() => onHost(hostQueue).inspectHold({ holdId })).catch(
      (error: unknown) => ({
        next: 'inspected' as const,
        // Bytes that cannot be read are as good as damaged, until somebody reads them.
        staged: isAway(error) ? ('host_unavailable' as const) : ('damaged' as const),
      }),
    );
    if (seen.next === 'inspected')
      await untilThere(() => anywhere.remindOfHold({ holdId, staged: seen.staged }));
  }

  /** Tells everybody who still waits, and takes away what nobody needs any more; what cannot be reached is swept later. */
  async function end(state: HoldEnd): Promise<HoldEnd> {
    ended = state;
    publish({ ...about, ...outcomeOf[state] });
    await condition(allHandlersFinished);
    if (state !== 'approved')
      await onHost(hostQueue)
        .dropStaged({ holdId })
        .catch(() => {});
    return state;
  }
}

/** What becomes of the version, as the catalog has it. */
const outcomeOf: Readonly<Record<HoldEnd, Pick<FoundOut, 'outcome' | 'reason'>>> = {
  approved: { outcome: 'uploaded', reason: undefined },
  rejected: { outcome: 'ignored', reason: 'hold_rejected' },
  expired: { outcome: 'ignored', reason: 'hold_expired' },
};

function endOf(answer: HoldAnswer | undefined): HoldEnd | undefined {
  if (answer?.next === 'released') return 'approved';
  return answer?.next === 'ended' ? answer.state : undefined;
}

/** Nobody on that host has taken the work. */
function isAway(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}
