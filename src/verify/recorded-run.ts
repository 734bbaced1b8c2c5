import { auditEvent } from '../audit/event.ts';
import type { Catalog, RunResult } from '../catalog/catalog.ts';
import { readFact, writeFact } from '../catalog/installation-fact.ts';
import { isFailure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { mismatches, type VerifySummary } from './finding.ts';
import type { VerifyDeps, VerifyRequest } from './run.ts';
import { verify } from './verify.ts';

/** What the newest finished run said, for `status` and `doctor`: the installation fact `verify`. */
export interface VerifyFact {
  readonly runId: Id;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly checked: number;
  readonly mismatches: number;
  readonly repaired: number;
}

const factName = 'verify';

/**
 * Verifies, with a row in the run log, an audit event and the fact that `status` shows; also when it ends early. A run
 * that is tried again under its id goes on where it stopped.
 */
export async function recordedVerify(deps: VerifyDeps, request: VerifyRequest): Promise<VerifySummary> {
  const since = await startRun(deps, request);
  let summary: VerifySummary;
  try {
    summary = await verify(deps, request, since);
  } catch (error) {
    const result: RunResult = isFailure(error, 'interrupted') ? 'interrupted' : 'failed';
    // What stopped the run says more than that it could not be noted down.
    await endRun(deps, request, result, {}, isFailure(error) ? { failure: error.code } : {}).catch(() => {});
    throw error;
  }
  const totals = totalsOf(summary);
  await endRun(deps, request, runResult(summary), totals, {});
  const { checked, mismatches: wrong, repaired } = totals;
  const fact: VerifyFact = {
    ...{ runId: request.runId, at: new Date().toISOString() },
    ...{ checked, mismatches: wrong, repaired },
  };
  await writeFact(deps.catalog, factName, fact);
  return summary;
}

/** When the run began, by the catalog's clock. */
async function startRun({ catalog, hostId }: VerifyDeps, request: VerifyRequest): Promise<Date> {
  const { runId: id, actor, scope } = request;
  const source = scope === undefined ? {} : { sourceId: scope.sourceId };
  await catalog.startRun({ id, kind: 'verify', hostId, actor, ...source });
  // One that ended and is tried again goes on.
  const [row] = await catalog.rows<{ at: Date }>(
    'update run_log set ended_at = null, result = null where id = $1 returning started_at as at',
    [id],
  );
  if (row === undefined) throw new TypeError('a run that was just recorded is not there');
  return row.at;
}

async function endRun(
  { catalog, ids, hostId }: VerifyDeps,
  { runId, actor, scope }: VerifyRequest,
  result: RunResult,
  totals: Readonly<Record<string, number>>,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const event = auditEvent(ids, {
    subject: runId,
    step: 'verify',
    run: runId,
    host: hostId,
    actor,
    source: scope?.sourceId,
    // A run that is tried again tells each try.
    among: new Date().toISOString(),
    facts: { ...totals, result, ...more },
  });
  await catalog.write({ events: [event] });
  await catalog.endRun(runId, result, totals);
}

function runResult(summary: VerifySummary): RunResult {
  if (!summary.complete) return 'incomplete';
  return mismatches(summary.findings) > 0 ? 'complete with warnings' : 'complete';
}

/** Counts as the run log shows them. */
function totalsOf(summary: VerifySummary): {
  checked: number;
  read: number;
  manifests: number;
  keyringDocuments: number;
  listed: number;
  mismatches: number;
  repaired: number;
} {
  const { checked, read, manifests, keyringDocuments, listed, repaired, findings } = summary;
  return { checked, read, manifests, keyringDocuments, listed, mismatches: mismatches(findings), repaired };
}

/** Undefined until a run has ended. */
export async function readVerifyFact(catalog: Catalog): Promise<VerifyFact | undefined> {
  return (await readFact<VerifyFact>(catalog, factName))?.value;
}
