import type { Client } from '@temporalio/client';
import type { RescanInput } from '../../workflows/rescan.ts';
import type { Config } from '../config.ts';
import { groupOf } from '../installation.ts';
import { filesQueue, rescanScheduleId } from '../temporal/names.ts';
import { ensureSchedule, removeSchedule } from '../temporal/schedules.ts';
import { summaryOfScheduled } from '../temporal/summaries.ts';

/** Brings the schedule of rescans in line with the configuration. A write-only host can read nothing and has none. */
export async function scheduleRescans(client: Client, config: Config): Promise<void> {
  if (config.writeOnly) return;
  if (config.rescan === 'off') return removeSchedule(client, rescanScheduleId);
  const { every } = config.rescan;
  const input: RescanInput = { actor: 'holdfast' };
  await ensureSchedule(client, {
    id: rescanScheduleId,
    workflowType: 'rescanOnSchedule',
    taskQueue: filesQueue(groupOf(config)),
    args: [input],
    summary: summaryOfScheduled.rescan,
    recurrence: { everyMs: every, jitterMs: Math.round(every / 24) },
  });
}
