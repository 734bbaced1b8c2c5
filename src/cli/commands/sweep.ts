import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Catalog, EndedRun } from '../../catalog/catalog.ts';
import { type SourceRetention, sourceRetention } from '../../catalog/retention-query.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import type { Installation } from '../../installation.ts';
import { restoreCommand } from '../../retention/mass-change.ts';
import { startSweep } from '../../sweep/start.ts';
import { sweepWorkflowId } from '../../temporal/names.ts';
import { bytes, printable } from '../output.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';

export interface SweepOptions {
  readonly wait?: boolean;
  readonly confirmDeletions?: boolean;
}

/**
 * Starts a sweep of a source or, with `--wait`, joins the one under way, and tells how it ended. Exit code 3 when entries
 * failed or could not be looked at, or when more is gone than may count as deleted.
 */
export async function runSweep(session: Session, source: string, options: SweepOptions): Promise<number> {
  const installation = await unlock(session);
  const { config, ids } = installation;
  if (!config.sources.some(({ name }) => name === source)) throw new Failure('source_unknown', { source });
  return withCatalog(session, (catalog, where) =>
    withTemporal(installation, where, async (client) => {
      const { output } = session;
      const started = await start(session, installation, client, source, options);
      const underWay = `A sweep of ${printable(source)} is under way already.`;
      if (!options.wait) {
        output.value({ source, runId: started ?? null, started: started !== undefined });
        output.line(started === undefined ? underWay : `A sweep of ${printable(source)} has started.`);
        return 0;
      }
      if (started === undefined) output.note(`holdfast: ${underWay} Waiting for it.`);
      const runId = started ?? (await runUnderWay(catalog, ids.source(source)));
      const ended = await untilEnded(session, catalog, client, ids.source(source), runId);
      return report(session, source, runId, ended, await sourceRetention(catalog, ids.source(source)));
    }),
  );
}

/** The new run's id; undefined when a sweep is under way already. */
async function start(
  session: Session,
  { config, ids }: Installation,
  client: Client,
  source: string,
  { confirmDeletions = false }: SweepOptions,
): Promise<Id | undefined> {
  const runId = newRunId();
  const asked = { runId, actor: session.actor, confirmsDeletions: confirmDeletions };
  if (await startSweep(client, config, { id: ids.source(source), name: source }, asked)) return runId;
  // What was asked for now was not asked of the one under way.
  if (confirmDeletions) throw new Failure('sweep_running', { source });
  return undefined;
}

async function runUnderWay(catalog: Catalog, sourceId: Id): Promise<Id> {
  for (;;) {
    const [row] = await catalog.rows<{ id: Id }>(
      `select id from run_log where kind = 'sweep' and source_id = $1 order by started_at desc limit 1`,
      [sourceId],
    );
    if (row !== undefined) return row.id;
    await sleep(pollMs);
  }
}

const pollMs = 500;

/** Failure `sweep_failed` when its workflow ended without having ended the run. */
async function untilEnded(
  session: Session,
  catalog: Catalog,
  client: Client,
  sourceId: Id,
  runId: Id,
): Promise<EndedRun> {
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
    if (ended !== undefined) return ended;
    if (wasClosed) throw new Failure('sweep_failed', { run: runId });
    session.signal.throwIfAborted();
    const [row] = await catalog.rows<{ count: number }>(
      'select count(*) as count from file_status where run_id = $1',
      [runId],
    );
    session.output.progress(`${row?.count ?? 0} entries have their outcome`);
    await Promise.race([closed, sleep(pollMs)]);
  }
}

const shown = [
  'uploaded',
  'duplicate',
  'unchanged',
  'ignored',
  'deleted',
  'vanished',
  'held',
  'quarantined',
  'failed',
  'unreachable',
];

function report(
  { output }: Session,
  source: string,
  runId: Id,
  { result, totals }: EndedRun,
  pause: SourceRetention,
): number {
  output.value({ source, runId, result, totals });
  const counts = shown.filter((name) => totals[name]).map((name) => `${totals[name]} ${name}`);
  output.line(`${totals.seen ?? 0} entries of ${printable(source)}: ${counts.join(', ') || 'none'}`);
  output.line(
    `${bytes(totals.bytesRead ?? 0)} read, ${bytes(totals.bytesSent ?? 0)} sent, ${totals.seconds ?? 0} s; ${result}`,
  );
  const { refusedDeletions = 0 } = totals;
  if (refusedDeletions > 0) {
    output.note(
      `holdfast: ${refusedDeletions} entries are gone. That is more than goes unnoticed, so none of them counts as deleted.\n` +
        `  → Look whether the source is whole. If they were meant to go: holdfast sweep ${printable(source)} --wait --confirm-deletions`,
    );
  }
  if (pause.pinnedAt !== null) {
    output.note(
      `holdfast: WARNING: too much of ${printable(source)} changed or went at once. Nothing of it expires any more.\n` +
        `  → What stood before comes back with: ${restoreCommand(source, pause.pinnedAt)}\n` +
        `  → If all is well: holdfast retention resume ${printable(source)} --reason …`,
    );
  }
  return refusedDeletions + (totals.failed ?? 0) + (totals.unreachable ?? 0) > 0 ? 3 : 0;
}
