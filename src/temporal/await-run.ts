import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Catalog, EndedRun } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';

/** How soon the end of a run is noticed that ended otherwise than its workflow. */
const pollMs = 500;

export interface AwaitedRun {
  readonly runId: Id;
  readonly workflowId: string;
  /** What it is when the workflow has ended and the run has not. */
  readonly failure: 'sweep_failed' | 'rescan_failed';
}

/**
 * Waits for the end of a run that a workflow makes. Throws the signal's reason.
 *
 * @param onWait called before each pause
 */
export async function untilRunEnded(
  { catalog, client }: { readonly catalog: Catalog; readonly client: Client },
  { runId, workflowId, failure }: AwaitedRun,
  signal: AbortSignal,
  onWait: () => Promise<void>,
): Promise<EndedRun> {
  let isClosed = false;
  const closed = client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => {})
    .finally(() => {
      isClosed = true;
    });
  for (;;) {
    // Looked at first: a workflow ends after its run.
    const wasClosed = isClosed;
    const ended = await catalog.endedRun(runId);
    if (ended !== undefined) return ended;
    if (wasClosed) throw new Failure(failure, { run: runId });
    signal.throwIfAborted();
    await onWait();
    await Promise.race([closed, sleep(pollMs)]);
  }
}

/** The newest run of a kind, of a source where runs have one; waits until there is one. Throws the signal's reason. */
export async function runUnderWay(
  catalog: Catalog,
  { kind, sourceId }: { readonly kind: 'sweep' | 'rescan'; readonly sourceId?: Id },
  signal: AbortSignal,
): Promise<Id> {
  for (;;) {
    const [row] = await catalog.rows<{ id: Id }>(
      `select id from run_log where kind = $1 and ($2::text is null or source_id = $2) order by started_at desc limit 1`,
      [kind, sourceId ?? null],
    );
    if (row !== undefined) return row.id;
    signal.throwIfAborted();
    await sleep(pollMs);
  }
}
