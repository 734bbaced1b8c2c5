import { auditEvent } from '../audit/event.ts';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import type { RetentionContext } from './context.ts';

/** Lets what is paused expire again, and pins nothing any more. Failure `retention_not_paused`. */
export async function resumeRetention(
  { catalog, ids, hostId }: Pick<RetentionContext, 'catalog' | 'ids' | 'hostId'>,
  o: {
    readonly runId: Id;
    readonly sourceId: Id;
    readonly source: string;
    readonly actor: string;
    readonly reason: string;
  },
): Promise<void> {
  const { runId, sourceId, source, actor, reason } = o;
  const resumed = await catalog.rows(
    `update retention_sources set paused_at = null, pinned_at = null, resumed_at = now(), resumed_by = $2, resume_reason = $3
     where source_id = $1 and paused_at is not null returning source_id`,
    [sourceId, actor, reason],
  );
  if (resumed.length === 0) throw new Failure('retention_not_paused', { source });
  const event = auditEvent(ids, {
    ...{ subject: runId, step: 'retention', run: runId, host: hostId, actor, source: sourceId },
    facts: { action: 'resumed', reason },
  });
  await catalog.write({ events: [event] });
}
