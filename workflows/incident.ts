import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { IncidentActivities } from '../activities/incidents.ts';
import type { IncidentState } from '../src/domain/incidents.ts';
import type { Id } from '../src/domain/records.ts';
import { controlQueue } from '../src/temporal/names.ts';
import { summaryOfIncident } from '../src/temporal/summaries.ts';
import { incidentChangedSignal, stateQuery } from './messages.ts';
import { goOnTelling } from './search-attributes.ts';
import { untilThere } from './steps.ts';

export interface IncidentInput {
  readonly incidentId: Id;
}

/** What one workflow run may grow to before it goes on in a new one. */
const maxHistoryEvents = 500;
/** The register is looked at again after so long, whatever was signalled. */
const longestWaitMs = 86_400_000;

const { lookAtIncident } = proxyActivities<IncidentActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '1 minute' },
});

/**
 * Counts the time that the law gives to notify an incident: has people told when it is opened, when little time is left, and
 * when none is, and ends when it is closed. What stands is in the register; a new or lost workflow goes on from there.
 */
export async function incident(input: IncidentInput): Promise<'closed'> {
  const { incidentId } = input;
  goOnTelling((known) => summaryOfIncident(known, incidentId));
  let state: IncidentState = 'open';
  let isChanged = false;
  setHandler(incidentChangedSignal, () => {
    isChanged = true;
  });
  setHandler(stateQuery, () => state);

  for (;;) {
    isChanged = false;
    const standing = await untilThere(() => lookAtIncident({ incidentId, nowMs: Date.now() }));
    state = standing.state;
    if (state === 'closed') return state;
    if (workflowInfo().historyLength > maxHistoryEvents && allHandlersFinished())
      return continueAsNew<typeof incident>(input);
    await condition(
      () => isChanged,
      Math.max(1_000, Math.min(standing.dueInMs ?? longestWaitMs, longestWaitMs)),
    );
  }
}
