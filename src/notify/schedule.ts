import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import { groupOf } from '../installation.ts';
import { digestScheduleId, filesQueue } from '../temporal/names.ts';
import { ensureSchedule, removeSchedule } from '../temporal/schedules.ts';
import { summaryOfScheduled } from '../temporal/summaries.ts';
import { weekdays } from '../throttle/windows.ts';

/** Brings the schedule of the digest in line with the configuration: by the clock of the operator's zone. */
export async function scheduleDigest(client: Client, config: Config): Promise<void> {
  const { digest, channels } = config.notifications;
  if (digest === 'off' || channels.length === 0) return removeSchedule(client, digestScheduleId);
  await ensureSchedule(client, {
    id: digestScheduleId,
    workflowType: 'digest',
    args: [],
    summary: summaryOfScheduled.digest,
    taskQueue: filesQueue(groupOf(config)),
    recurrence: { cron: cronOf(digest), timezone: config.timezone, jitterMs: 0 },
  });
}

/** Minute, hour, day, month, weekday; Sunday is 0. */
function cronOf({ every, at, weekday }: Exclude<Config['notifications']['digest'], 'off'>): string {
  const day = every === 'week' ? (weekdays.indexOf(weekday) + 1) % 7 : '*';
  return `${at % 60} ${Math.floor(at / 60)} * * ${day}`;
}
