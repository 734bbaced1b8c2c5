import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { RescanInput, rescanContents } from '../../../workflows/rescan.ts';
import { startAttributes } from '../../../workflows/search-attributes.ts';
import type { Catalog, EndedRun } from '../../catalog/catalog.ts';
import { dueTotals, runProgress, sealedToRecipients } from '../../catalog/rescan-query.ts';
import { Failure } from '../../domain/failures.ts';
import { newRunId } from '../../domain/ids.ts';
import type { Id } from '../../domain/records.ts';
import { groupOf, type Installation } from '../../installation.ts';
import { freshSignatures } from '../../rescan/rescan.ts';
import { openScanner } from '../../scanner/open-scanner.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import { runUnderWay, untilRunEnded } from '../../temporal/await-run.ts';
import { filesQueue, rescanWorkflowId } from '../../temporal/names.ts';
import { summaryOfRescan } from '../../temporal/summaries.ts';
import { say } from '../../text/voice.ts';
import { bytes } from '../output.ts';
import { requireReader, type Session, unlock, withCatalog, withTemporal } from '../session.ts';
import { requireSource } from '../target.ts';
import { word } from '../words.ts';

export interface RescanOptions {
  readonly source?: string;
  readonly limit?: number;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Starts a rescan or, with `--wait`, joins the one under way, and tells what it found. Exit code 3 when stored content is
 * infected or could not be read. Failures: `write_only_host`, `signatures_stale`, `rescan_running`, `rescan_failed`.
 */
export async function runRescan(session: Session, options: RescanOptions): Promise<number> {
  const installation = await unlock(session);
  requireReader(installation.config);
  return withCatalog(session, async (catalog, where) => {
    const sourceId = options.source === undefined ? undefined : await requireSource(catalog, options.source);
    if (options.dryRun) return tellDue(session, installation, catalog, where, sourceId);
    return withTemporal(installation, where, async (client) => {
      const { output } = session;
      const started = await start(session, installation, client, sourceId, options);
      const underWay = say('copies', 'under_way');
      if (!options.wait) {
        output.value({ runId: started ?? null, started: started !== undefined });
        output.line(started === undefined ? underWay : say('copies', 'started'));
        return 0;
      }
      if (started === undefined) output.note(say('copies', 'waiting', { sentence: underWay }));
      const runId = started ?? (await runUnderWay(catalog, { kind: 'rescan' }, session.signal));
      const ended = await untilEnded(session, catalog, client, runId);
      return report(session, runId, ended, await sealedToRecipients(catalog));
    });
  });
}

async function tellDue(
  { output }: Session,
  { config }: Installation,
  catalog: Catalog,
  where: Endpoints,
  sourceId: Id | undefined,
): Promise<number> {
  const scanner = openScanner(where, config);
  const loaded = await freshSignatures(scanner).finally(() => scanner.close());
  const due = await dueTotals(catalog, { loaded, sourceId, since: new Date() });
  const { signatureRevision: signatures, signatureSet, signaturesAt } = loaded;
  const closed = await sealedToRecipients(catalog);
  output.value({ due, sealedToRecipients: closed, signatures, signatureSet, signaturesAt });
  output.line(
    due.contents === 0
      ? say('copies', 'nothing_due', { set: signatureSet, day: signaturesAt.slice(0, 10) })
      : say('copies', 'due', {
          contents: due.contents,
          bytes: bytes(due.bytes),
          set: signatureSet,
          day: signaturesAt.slice(0, 10),
        }),
  );
  tellClosed(output, closed);
  return 0;
}

/** The new run's id; undefined when a rescan is under way already. */
async function start(
  session: Session,
  { config }: Installation,
  client: Client,
  sourceId: Id | undefined,
  options: RescanOptions,
): Promise<Id | undefined> {
  const runId = newRunId();
  const { source, limit } = options;
  const known = { source, run: runId };
  const input: RescanInput = {
    runId,
    actor: session.actor,
    ...(sourceId === undefined ? {} : { sourceId }),
    ...(limit === undefined ? {} : { limit }),
  };
  try {
    await client.workflow.start<typeof rescanContents>('rescanContents', {
      workflowId: rescanWorkflowId,
      taskQueue: filesQueue(groupOf(config)),
      args: [input],
      typedSearchAttributes: startAttributes(known),
      ...summaryOfRescan(known),
    });
    return runId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // What was asked for now was not asked of the one under way.
    if (sourceId !== undefined || limit !== undefined) throw new Failure('rescan_running');
    return undefined;
  }
}

/** Failure `rescan_failed` when its workflow ended without having ended the run. */
function untilEnded(
  { output, signal }: Session,
  catalog: Catalog,
  client: Client,
  runId: Id,
): Promise<EndedRun> {
  const run = { runId, workflowId: rescanWorkflowId, failure: 'rescan_failed' } as const;
  return untilRunEnded({ catalog, client }, run, signal, async () => {
    const { totals = {} } = (await runProgress(catalog, runId)) ?? {};
    output.progress(
      say('copies', 'progress', {
        count: totals.rescanned ?? 0,
        bytes: bytes(totals.bytes ?? 0),
        infected: totals.infected ?? 0,
      }),
    );
  });
}

/** What nobody here can look into should not be believed to be looked at. */
function tellClosed(output: Session['output'], count: number): void {
  if (count === 0) return;
  output.note(say('copies', 'recipients', { count }));
}

function report({ output }: Session, runId: Id, { result, totals }: EndedRun, closed: number): number {
  output.value({ runId, result, totals, sealedToRecipients: closed });
  const { rescanned = 0, bytes: read = 0, clean = 0, infected = 0, notScanned = 0, unreadable = 0 } = totals;
  output.line(
    say('copies', 'rescanned', {
      count: rescanned,
      bytes: bytes(read),
      clean,
      infected,
      not_scanned: notScanned,
      unreadable,
      result: word(result),
    }),
  );
  if (infected > 0) {
    output.note(say('copies', 'infected_stored'));
  }
  tellClosed(output, closed);
  if (unreadable > 0) {
    output.note(say('copies', 'unreadable_stored'));
  }
  return infected + unreadable > 0 ? 3 : 0;
}
