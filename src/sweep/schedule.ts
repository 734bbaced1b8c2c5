import type { Client } from '@temporalio/client';
import type { SweepInput } from '../../workflows/sweep-source.ts';
import type { Config, SourceConfig } from '../config.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { groupOf } from '../installation.ts';
import { filesQueue, sweepScheduleId } from '../temporal/names.ts';
import { ensureSchedule, removeSchedule } from '../temporal/schedules.ts';
import { summaryOfScheduled } from '../temporal/summaries.ts';

/** What a sweep's workflow is told. */
export function sweepInput(
  config: Config,
  sourceId: Id,
  asked: Pick<SweepInput, 'actor' | 'confirmsDeletions' | 'runId'>,
): SweepInput {
  const { maxRetries, retryDelay } = config.pipeline;
  return { sourceId, retry: { maxRetries, retryDelayMs: retryDelay }, ...asked };
}

/** Brings the schedules of the sources in line with the configuration. */
export async function scheduleSweeps(client: Client, config: Config, ids: Ids): Promise<void> {
  for (const source of config.sources) {
    const sourceId = ids.source(source.name);
    const id = sweepScheduleId(sourceId);
    const recurrence = recurrenceOf(source.sweep);
    if (recurrence === undefined) await removeSchedule(client, id);
    else
      await ensureSchedule(client, {
        id,
        workflowType: 'sweepOnSchedule',
        args: [sweepInput(config, sourceId, { actor: 'holdfast', confirmsDeletions: false })],
        taskQueue: filesQueue(groupOf(config, source.name)),
        recurrence,
        source: source.name,
        summary: summaryOfScheduled.sweep(source.name),
      });
  }
}

function recurrenceOf(sweep: SourceConfig['sweep']) {
  if (sweep === 'off') return undefined;
  const { jitter: jitterMs } = sweep;
  return 'cron' in sweep
    ? { cron: sweep.cron, timezone: sweep.timezone, jitterMs }
    : { everyMs: sweep.every, jitterMs };
}
