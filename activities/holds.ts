import type {
  AttemptStep,
  Ended,
  EndStep,
  HoldStanding,
  HoldStep,
  InspectedHold,
  InspectedStep,
  JudgedAttempt,
  ReleaseOfHold,
  ResealedHold,
  ResealStep,
} from '../src/domain/holds.ts';
import type { Postponed } from '../src/domain/steps.ts';
import type { HoldDeps } from '../src/holds/deps.ts';
import { dropStaged } from '../src/holds/drop.ts';
import { endHold } from '../src/holds/end-hold.ts';
import { inspectHold, remindOfHold } from '../src/holds/inspect-hold.ts';
import { judgeAttempt } from '../src/holds/judge-attempt.ts';
import { lookAtHold } from '../src/holds/look-at-hold.ts';
import { releaseHold } from '../src/holds/release-hold.ts';
import { resealHold } from '../src/holds/reseal-hold.ts';
import type { StepRun } from '../src/pipeline/context.ts';
import { postponed } from './edge.ts';
import { beating } from './index.ts';

/** The activities of holds. Those that touch staged bytes are for the host that has them: {@link hostHoldActivities}. */
export function createHoldActivities(deps: HoldDeps) {
  const step =
    <Input, Answer extends { next: string }>(
      work: (deps: HoldDeps, input: Input, run: StepRun) => Promise<Answer>,
    ) =>
    (input: Input): Promise<Answer | Postponed> =>
      beating((run) => work(deps, input, run)).catch((error: unknown) =>
        postponed<Answer | Postponed>(error, deps.context.log),
      );

  return {
    lookAtHold: step<HoldStep, HoldStanding>(lookAtHold),
    judgeAttempt: step<AttemptStep, JudgedAttempt>(judgeAttempt),
    endHold: step<EndStep, Ended>(endHold),
    remindOfHold: step<InspectedStep, { next: 'reminded' }>(remindOfHold),
    resealHold: step<ResealStep, ResealedHold>(resealHold),
    inspectHold: step<HoldStep, InspectedHold | Ended>(inspectHold),
    releaseHold: step<HoldStep, ReleaseOfHold>(releaseHold),
    dropStaged: step<HoldStep, { next: 'dropped' }>(dropStaged),
  };
}

export type HoldActivities = ReturnType<typeof createHoldActivities>;

/** What only the host with the staged bytes can do. */
export function hostHoldActivities({ inspectHold, releaseHold, dropStaged }: HoldActivities) {
  return { inspectHold, releaseHold, dropStaged };
}
