import { auditEvent } from '../audit/event.ts';
import type { Catalog, RunResult } from '../catalog/catalog.ts';
import { isFailure } from '../domain/failures.ts';
import { type Ids, newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { type RestoreDeps, type RestoreRequest, restoreTree } from './restore.ts';
import { countItem, emptySummary, type RestoredItem, type RestoreSummary } from './restored-item.ts';

/** Under whose name a run is recorded. */
export interface RunIdentity {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  readonly actor: string;
}

/**
 * A restore with its row in the run log and its audit event, also when it ends early. `onItem` is told of each entry.
 * Failures as {@link restoreTree}.
 */
export async function recordedRestore(
  deps: RestoreDeps,
  request: Omit<RestoreRequest, 'dryRun'>,
  { catalog, ids, hostId, actor }: RunIdentity,
  onItem: (item: RestoredItem) => void,
): Promise<RestoreSummary> {
  const run = newRunId();
  const source = ids.source(request.source);
  await catalog.startRun({ id: run, kind: 'restore', sourceId: source, hostId, actor });
  const told = { subject: run, step: 'restore', run, host: hostId, actor, source } as const;
  // Before the first byte: whoever restores may end this program at any moment.
  await catalog.write({ events: [auditEvent(ids, { ...told, among: 'begun', facts: { result: 'begun' } })] });
  let summary = emptySummary;
  let problem: unknown;
  try {
    for await (const item of restoreTree(deps, request)) {
      summary = countItem(summary, item);
      onItem(item);
    }
  } catch (error) {
    problem = error;
  }
  const result = runResult(summary, problem);
  const { warnings, ...counts } = summary;
  const counted = { ...counts, ...warnings };
  const facts = { ...counted, result, ...(isFailure(problem) ? { failure: problem.code } : {}) };
  try {
    const event = auditEvent(ids, { ...told, facts });
    await catalog.write({ events: [event] });
    await catalog.endRun(run, result, counted);
  } catch (error) {
    // What stopped the restore says more than that it could not be noted down.
    problem ??= error;
  }
  if (problem !== undefined) throw problem;
  return summary;
}

function runResult(summary: RestoreSummary, problem: unknown): RunResult {
  if (isFailure(problem, 'interrupted')) return 'interrupted';
  if (problem !== undefined) return 'failed';
  if (summary.failed > 0) return 'incomplete';
  const warnings = Object.keys(summary.warnings).length;
  return summary.missing + summary.older + summary.kept + warnings > 0
    ? 'complete with warnings'
    : 'complete';
}
