import { auditEvent } from '../audit/event.ts';
import { endPause } from '../catalog/retention-query.ts';
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
  const event = auditEvent(ids, {
    ...{ subject: runId, step: 'retention', run: runId, host: hostId, actor, source: sourceId },
    facts: { action: 'resumed', reason },
  });
  const resumed = await endPause(catalog, { sourceId, by: actor, reason }, event);
  if (!resumed) throw new Failure('retention_not_paused', { source });
}
