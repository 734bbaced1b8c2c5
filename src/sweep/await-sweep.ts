import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Catalog } from '../catalog/catalog.ts';
import { sourceRetention } from '../catalog/retention-query.ts';
import type { Config } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { sweepWorkflowId } from '../temporal/names.ts';
import type { StartedSweep, SweptSource } from './request.ts';
import { startSweep } from './start.ts';

/** How soon the end of a sweep is noticed that ended otherwise than its workflow. */
const pollMs = 500;

/** What a sweep is started and waited for with. */
export interface SweepDesk {
  readonly catalog: Catalog;
  readonly client: Client;
  readonly config: Config;
}

export interface AskedSweep {
  readonly source: { readonly id: Id; readonly name: string };
  readonly actor: string;
  readonly confirmsDeletions: boolean;
}

/** Starts a sweep unless one is under way. */
export async function startOrJoin(
  { client, config }: SweepDesk,
  { source, ...asked }: AskedSweep,
): Promise<StartedSweep> {
  const runId = newRunId();
  return { runId: (await startSweep(client, config, source, { runId, ...asked })) ? runId : null };
}

/**
 * Waits for the end of the sweep that was started or is under way. Failure `sweep_failed` when its workflow ended without having
 * ended its run.
 */
export async function untilSwept(
  { catalog, client }: SweepDesk,
  sourceId: Id,
  started: StartedSweep,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress?: (settled: number) => void },
): Promise<SweptSource> {
  const runId = started.runId ?? (await runUnderWay(catalog, sourceId, signal));
  let isClosed = false;
  const closed = client.workflow
    .getHandle(sweepWorkflowId(sourceId))
    .result()
    .catch(() => {})
    .finally(() => {
      isClosed = true;
    });
  for (;;) {
    const wasClosed = isClosed;
    const ended = await catalog.endedRun(runId);
    if (ended !== undefined) {
      const { pausedAt, pinnedAt } = await sourceRetention(catalog, sourceId);
      return { runId, ...ended, pinnedAt: pausedAt === null ? null : (pinnedAt?.toISOString() ?? null) };
    }
    if (wasClosed) throw new Failure('sweep_failed', { run: runId });
    signal.throwIfAborted();
    onProgress?.(await settledBy(catalog, runId));
    await Promise.race([closed, sleep(pollMs)]);
  }
}

async function runUnderWay(catalog: Catalog, sourceId: Id, signal: AbortSignal): Promise<Id> {
  for (;;) {
    const [row] = await catalog.rows<{ id: Id }>(
      `select id from run_log where kind = 'sweep' and source_id = $1 order by started_at desc limit 1`,
      [sourceId],
    );
    if (row !== undefined) return row.id;
    signal.throwIfAborted();
    await sleep(pollMs);
  }
}

async function settledBy(catalog: Catalog, runId: Id): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    'select count(*) as count from file_status where run_id = $1',
    [runId],
  );
  return row?.count ?? 0;
}
