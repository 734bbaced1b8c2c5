import type { Client } from '@temporalio/client';
import type { Catalog } from '../catalog/catalog.ts';
import { sourceRetention } from '../catalog/retention-query.ts';
import type { Config } from '../config.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import type { ServedSource } from '../pipeline/context.ts';
import { runUnderWay, untilRunEnded } from '../temporal/await-run.ts';
import { sweepWorkflowId } from '../temporal/names.ts';
import type { StartedSweep, SweptSource } from './request.ts';
import { startSweep } from './start.ts';

/** What a sweep is started and waited for with. */
export interface SweepDesk {
  readonly catalog: Catalog;
  readonly client: Client;
  readonly config: Config;
  /** By id, those of this host. */
  readonly sources: ReadonlyMap<Id, ServedSource>;
}

export interface AskedSweep {
  readonly source: { readonly id: Id; readonly name: string };
  readonly actor: string;
  readonly confirmsDeletions: boolean;
}

/**
 * Starts a sweep unless one is under way. Failure `source_unavailable`: whoever asks is told that the folder is away or another one,
 * where a sweep by the clock would wait for it.
 */
export async function startOrJoin(
  { client, config, sources }: SweepDesk,
  { source, ...asked }: AskedSweep,
): Promise<StartedSweep> {
  await sources.get(source.id)?.root();
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
  const runId = started.runId ?? (await runUnderWay(catalog, { kind: 'sweep', sourceId }, signal));
  const ended = await untilRunEnded(
    { catalog, client },
    { runId, workflowId: sweepWorkflowId(sourceId), failure: 'sweep_failed' },
    signal,
    async () => onProgress?.(await settledBy(catalog, runId)),
  );
  const { pausedAt, pinnedAt } = await sourceRetention(catalog, sourceId);
  return { runId, ...ended, pinnedAt: pausedAt === null ? null : (pinnedAt?.toISOString() ?? null) };
}

async function settledBy(catalog: Catalog, runId: Id): Promise<number> {
  const [row] = await catalog.rows<{ count: number }>(
    'select count(*) as count from file_status where run_id = $1',
    [runId],
  );
  return row?.count ?? 0;
}
