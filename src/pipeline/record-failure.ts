import { auditEvent } from '../audit/event.ts';
import { openIncident } from '../audit/incident.ts';
import { uploadingAmongSeveral } from '../catalog/several-query.ts';
import type { FailStep } from '../domain/steps.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { settling, versionRow } from './settle.ts';

/** Gives the version of a look that ended in an error its outcome `failed`, with the error's code as the reason. */
export async function recordFailure(context: PipelineContext, input: FailStep, run: StepRun): Promise<void> {
  const { entryId, runId, round, code } = input;
  const seen = await context.catalog.observe({ entryId, workflowRun: run.workflowRunId, round });
  if (seen === undefined || seen.made?.outcome !== undefined) return;
  const look = { ...seen, runId, workflowId: run.workflowId };
  const row = seen.made ? undefined : versionRow(context, look, undefined);
  const id = seen.made?.id ?? context.ids.version(entryId, seen.number);
  const ends = { id, entry: seen.entry, observation: seen.number, hint: seen.hint, runId };
  const broken = await uploadingAmongSeveral(context.catalog, id);
  const planted =
    code === 'planted_object'
      ? openIncident(context.ids, {
          ...{ kind: 'planted_object', subject: id, run: runId, host: context.hostId },
          ...{ source: seen.entry.sourceId, version: id },
          facts: { what: code },
        })
      : undefined;
  await context.catalog.write({
    ...(planted === undefined ? {} : { incident: planted.incident }),
    ...(row === undefined ? {} : { version: row }),
    placements: broken.map((destination) => ({
      ...{ versionId: id, destination, objectId: null, byteOffset: 0, length: null },
      ...{ state: 'failed', reason: code },
    })),
    ...settling(ends, 'failed', code),
    events: [
      auditEvent(context.ids, {
        subject: id,
        step: 'fail',
        run: runId,
        host: context.hostId,
        workflow: run.workflowId,
        source: seen.entry.sourceId,
        entry: entryId,
        version: id,
        facts: { outcome: 'failed', reason: code },
      }),
      ...(planted === undefined ? [] : [planted.event]),
    ],
  });
}
