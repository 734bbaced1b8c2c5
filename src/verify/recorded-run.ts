import { auditEvent } from '../audit/event.ts';
import type { Catalog, RunResult } from '../catalog/catalog.ts';
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

/** Verifies, with a row in the run log, an audit event and the fact that `status` shows; also when it ends early. */
export async function recordedVerify(deps: VerifyDeps, request: VerifyRequest): Promise<VerifySummary> {
  const { catalog, ids, hostId } = deps;
  const { runId: id, actor, scope } = request;
  await catalog.startRun({
    id,
    kind: 'verify',
    hostId,
    actor,
    ...(scope === undefined ? {} : { sourceId: scope.sourceId }),
  });
  let summary: VerifySummary | undefined;
  let problem: unknown;
  try {
    summary = await verify(deps, request);
  } catch (error) {
    problem = error;
  }
  try {
    await record(summary, problem);
  } catch (error) {
    // What stopped the run says more than that it could not be noted down.
    problem ??= error;
  }
  if (problem !== undefined || summary === undefined) throw problem;
  return summary;

  async function record(summary: VerifySummary | undefined, problem: unknown): Promise<void> {
    const result = runResult(summary, problem);
    const totals = summary === undefined ? {} : totalsOf(summary);
    const facts = { ...totals, result, ...(isFailure(problem) ? { failure: problem.code } : {}) };
    const event = auditEvent(ids, {
      subject: id,
      step: 'verify',
      run: id,
      host: hostId,
      actor,
      source: scope?.sourceId,
      // A run that is tried again tells each try.
      among: new Date().toISOString(),
      facts,
    });
    await catalog.write({ events: [event] });
    await catalog.endRun(id, result, totals);
    if (summary !== undefined) await writeFact(catalog, { runId: id, ...totalsOf(summary) });
  }
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

function runResult(summary: VerifySummary | undefined, problem: unknown): RunResult {
  if (isFailure(problem, 'interrupted')) return 'interrupted';
  if (summary === undefined) return 'failed';
  if (!summary.complete) return 'incomplete';
  return mismatches(summary.findings) > 0 ? 'complete with warnings' : 'complete';
}

async function writeFact(
  catalog: Catalog,
  { runId, checked, mismatches, repaired }: Omit<VerifyFact, 'at'>,
): Promise<void> {
  const fact: VerifyFact = { runId, at: new Date().toISOString(), checked, mismatches, repaired };
  await catalog.rows(
    `insert into installation_facts (name, value) values ($1, $2)
     on conflict (name) do update set value = excluded.value, at = now()`,
    [factName, fact],
  );
}

/** Undefined until a run has ended. */
export async function readVerifyFact(catalog: Catalog): Promise<VerifyFact | undefined> {
  const [row] = await catalog.rows<{ value: VerifyFact }>(
    'select value from installation_facts where name = $1',
    [factName],
  );
  return row?.value;
}
