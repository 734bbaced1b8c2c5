import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';

import { startAttributes } from '../../workflows/search-attributes.ts';
import type { Summary } from './summaries.ts';

/** When a schedule fires: at intervals counted from 1970, or by a cron line in an IANA zone; each up to `jitterMs` late. */
export type Recurrence = { readonly jitterMs: number } & (
  | { readonly everyMs: number }
  | { readonly cron: string; readonly timezone: string }
);

export interface RecurringWorkflow {
  /** Of the schedule; the workflows it starts get the time appended. */
  readonly id: string;
  readonly workflowType: string;
  readonly args: readonly unknown[];
  readonly taskQueue: string;
  readonly recurrence: Recurrence;
  /** Name of the source it is about, if of one. */
  readonly source?: string;
  /** What the Web UI says of the workflows it starts. */
  readonly summary: Summary;
}

/** What was missed while everything was off is made up for once, if it is not older. */
const catchUp = '1 day';

/**
 * Makes the schedule, or brings the present one up to date; whether it is paused is left as it is. It never starts a second
 * one while the first is under way.
 */
export async function ensureSchedule(client: Client, wanted: RecurringWorkflow): Promise<void> {
  const options = scheduleOptions(wanted);
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, action, policies } = options;
    await client.schedule
      .getHandle(wanted.id)
      .update(({ state }) => ({ spec, action, state, ...(policies === undefined ? {} : { policies }) }));
  }
}

/** Takes the schedule away; done also where there is none. */
export async function removeSchedule(client: Client, id: string): Promise<void> {
  await client.schedule
    .getHandle(id)
    .delete()
    .catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    });
}

function scheduleOptions({
  id,
  workflowType,
  args,
  taskQueue,
  recurrence,
  source,
  summary,
}: RecurringWorkflow): ScheduleOptions {
  const jitter = recurrence.jitterMs;
  return {
    scheduleId: id,
    spec:
      'cron' in recurrence
        ? { cronExpressions: [recurrence.cron], timezone: recurrence.timezone, jitter }
        : { intervals: [{ every: recurrence.everyMs }], jitter },
    action: {
      ...{ type: 'startWorkflow', workflowId: id, workflowType, args: [...args], taskQueue },
      typedSearchAttributes: startAttributes({ source }),
      ...summary,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUp },
  };
}
